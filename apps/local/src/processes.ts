export { allProcesses, hasEnded, processOf, type RunningProcess, send } from '@eve/adapter-process';
