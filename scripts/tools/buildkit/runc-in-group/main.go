// Command runc-in-group runs a build step in the control group of its build, and is runc in everything else.
//
// BuildKit can be told a parent group per build, but that name then is part of the cache key of every RUN step, so no
// later build would find a layer. What is not part of the key are the variables of a proxy: the build names its group in
// one of them, which is taken away again here before the step can see it.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
)

const mark = "eve-group:"

var groupName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,100}$`)

func main() {
	runc, root := os.Getenv("EVE_RUNC"), os.Getenv("EVE_BUILD_GROUPS")
	if runc == "" {
		fail(fmt.Errorf("EVE_RUNC names no runc"))
	}
	if bundle := bundleOf(os.Args[1:]); bundle != "" && root != "" {
		if err := regroup(filepath.Join(bundle, "config.json"), root); err != nil {
			fail(err)
		}
	}
	fail(syscall.Exec(runc, append([]string{runc}, os.Args[1:]...), os.Environ()))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "runc-in-group:", err)
	os.Exit(1)
}

func bundleOf(args []string) string {
	for i, arg := range args {
		if arg == "--bundle" && i+1 < len(args) {
			return args[i+1]
		}
		if value, found := strings.CutPrefix(arg, "--bundle="); found {
			return value
		}
	}
	return ""
}

// regroup rewrites the step's description. Numbers stay the text they are, for a float would round the large ones.
func regroup(file, root string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var spec map[string]json.RawMessage
	if err := json.Unmarshal(text, &spec); err != nil {
		return err
	}
	var process, linux map[string]json.RawMessage
	if spec["process"] == nil || spec["linux"] == nil {
		return nil
	}
	if err := json.Unmarshal(spec["process"], &process); err != nil {
		return err
	}
	if err := json.Unmarshal(spec["linux"], &linux); err != nil {
		return err
	}
	var env []string
	if process["env"] != nil {
		if err := json.Unmarshal(process["env"], &env); err != nil {
			return err
		}
	}
	kept, group := withoutMark(env)
	if group == "" {
		return nil
	}
	var path string
	if err := json.Unmarshal(linux["cgroupsPath"], &path); err != nil {
		return err
	}
	path = filepath.Join("/", root, group, filepath.Base(path))
	for _, part := range []struct {
		of    map[string]json.RawMessage
		key   string
		value any
	}{{process, "env", kept}, {linux, "cgroupsPath", path}, {spec, "process", process}, {spec, "linux", linux}} {
		if part.of[part.key], err = json.Marshal(part.value); err != nil {
			return err
		}
	}
	written, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	return os.WriteFile(file, written, 0o600)
}

// withoutMark answers with the last group that was named: BuildKit puts its own variables behind those of the image.
// What stood behind the name is the proxy that the person asked for.
func withoutMark(env []string) (kept []string, group string) {
	for _, entry := range env {
		name, value, _ := strings.Cut(entry, "=")
		marked, found := strings.CutPrefix(value, mark)
		if !strings.EqualFold(name, "ftp_proxy") || !found {
			kept = append(kept, entry)
			continue
		}
		named, proxy, _ := strings.Cut(marked, ",")
		if groupName.MatchString(named) {
			group = named
		}
		if proxy != "" {
			kept = append(kept, name+"="+proxy)
		}
	}
	return kept, group
}
