// Command gobuild compiles the program in the current directory as `go build` would, from a standard library that was
// compiled when the image was made. It calls the compiler and the linker itself: no build cache, no source tree and no
// go command, which leaves a hello world at about 0.2 s. Packages below the directory are found through go.mod. The
// program is the package of the file that is named, or else that of the directory itself.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/build"
	"go/parser"
	"go/scanner"
	"go/token"
	"go/version"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"sort"
	"strings"
)

const (
	tools    = "/usr/lib/go/bin"
	standard = "/usr/lib/go/std"
	work     = "/tmp/.gobuild"
)

// language is that of the compiler that this was compiled with.
var language = "-lang=" + version.Lang(runtime.Version())

// moduleLine is go.mod's module directive, quoted or not.
var moduleLine = regexp.MustCompile(`(?m)^module\s+"?([^\s"]+)"?`)

// constraint is the beginning of a line that says for which systems and tags a file is.
var constraint = regexp.MustCompile(`(?m)^//(go:build|\s*\+build)\b`)

// tags are the build tags that were asked for.
var tags []string

// named is the file that is started. As with `go run`, no constraint in it counts, and where one would keep it out, such
// as `//go:build ignore`, it is the whole program.
var named string

// builder compiles packages of the program depth first; what it has compiled is in archives, what it is at in pending.
type builder struct {
	module   string
	archives map[string]string
	pending  map[string]bool
	problems []string
}

func main() {
	if len(os.Args) < 2 {
		fail("usage: gobuild OUTPUT [FILE] [-tags=TAG,TAG]")
	}
	directory := "."
	for _, word := range os.Args[2:] {
		if names, ok := strings.CutPrefix(word, "-tags="); ok {
			tags = strings.FieldsFunc(names, func(each rune) bool { return each == ',' || each == ' ' })
		} else if strings.HasPrefix(word, "-") {
			fail("flag provided but not defined: " + word)
		} else {
			named = filepath.Clean(word)
			directory = filepath.Dir(word)
		}
	}
	if err := os.MkdirAll(work, 0o700); err != nil {
		fail(err.Error())
	}
	b := &builder{module: moduleName(), archives: map[string]string{}, pending: map[string]bool{}}
	name, ok := b.compile("main", directory)
	if ok && name != "main" {
		b.problem("package %s is not a main package", name)
	}
	if len(b.problems) > 0 {
		fail(strings.Join(b.problems, "\n"))
	}
	if err := b.link(os.Args[1]); err != nil {
		fail(err.Error())
	}
	os.RemoveAll(work)
}

func fail(text string) {
	fmt.Fprintln(os.Stderr, strings.TrimRight(text, "\n"))
	os.Exit(1)
}

func (b *builder) problem(format string, values ...any) {
	b.problems = append(b.problems, fmt.Sprintf(format, values...))
}

func moduleName() string {
	text, err := os.ReadFile("go.mod")
	if err != nil {
		return ""
	}
	if match := moduleLine.FindSubmatch(text); match != nil {
		return string(match[1])
	}
	return ""
}

// compile makes the archive of the package in directory, after those that it imports, and says its package name.
func (b *builder) compile(importPath, directory string) (string, bool) {
	found, ok := b.read(directory)
	if !ok || !b.resolve(found, directory) {
		return "", false
	}
	config := filepath.Join(work, fmt.Sprintf("%d.cfg", len(b.archives)))
	archive := filepath.Join(work, fmt.Sprintf("%d.a", len(b.archives)))
	if err := os.WriteFile(config, []byte(b.importConfig(found.Imports)), 0o600); err != nil {
		fail(err.Error())
	}
	arguments := []string{"-o", archive, "-p", importPath, language, "-complete", "-importcfg", config, "-c", "2", "-pack"}
	if len(found.EmbedPatterns) > 0 {
		embedded, err := b.embedConfig(found, directory)
		if err != nil {
			b.problem("%s", err)
			return "", false
		}
		arguments = append(arguments, "-embedcfg", embedded)
	}
	for _, file := range found.GoFiles {
		arguments = append(arguments, shown(directory, file))
	}
	if output, err := tool("compile", arguments); err != nil {
		b.problem("# %s\n%s", title(importPath), output)
		return "", false
	}
	b.archives[importPath] = archive
	return found.Name, true
}

// read lists the directory's Go files, with build constraints applied.
func (b *builder) read(directory string) (*build.Package, bool) {
	found, err := context(directory).ImportDir(directory, 0)
	if found != nil {
		if position, ok := firstCgo(directory, found.IgnoredGoFiles); ok {
			b.problem("%s: import \"C\" is not to be had: Go programs are compiled without cgo, there is no C compiler here", position)
			return nil, false
		}
	}
	var none *build.NoGoError
	var syntax scanner.ErrorList
	switch {
	case err == nil:
		return found, true
	case errors.As(err, &none) && len(found.IgnoredGoFiles) > 0:
		b.problem("build constraints exclude all Go files in %s: %s", directory, strings.Join(found.IgnoredGoFiles, ", "))
	case errors.As(err, &none):
		b.problem("no Go files in %s", directory)
	case errors.As(err, &syntax):
		b.problem("%s", relative(syntax))
	default:
		b.problem("%s", err)
	}
	return nil, false
}

// firstCgo is the place of the first import of C in files that were left out, though no constraint says so.
func firstCgo(directory string, files []string) (string, bool) {
	for _, file := range files {
		if fits, err := context(directory).MatchFile(directory, file); err != nil || !fits {
			continue
		}
		positions := token.NewFileSet()
		parsed, err := parser.ParseFile(positions, filepath.Join(directory, file), nil, parser.ImportsOnly)
		if err != nil {
			continue
		}
		for _, each := range parsed.Imports {
			if each.Path.Value == `"C"` {
				position := positions.Position(each.Path.Pos())
				return fmt.Sprintf("%s:%d:%d", shown(directory, file), position.Line, position.Column), true
			}
		}
	}
	return "", false
}

// embedConfig writes down which files `//go:embed` names, for the compiler, as the go command does.
func (b *builder) embedConfig(found *build.Package, directory string) (string, error) {
	config := struct {
		Patterns map[string][]string
		Files    map[string]string
	}{map[string][]string{}, map[string]string{}}
	for _, pattern := range found.EmbedPatterns {
		names, err := embedded(directory, pattern)
		if err != nil {
			position := found.EmbedPatternPos[pattern][0]
			return "", fmt.Errorf("%s:%d:%d: pattern %s: %w", shown(directory, filepath.Base(position.Filename)),
				position.Line, position.Column, pattern, err)
		}
		config.Patterns[pattern] = names
		for _, name := range names {
			config.Files[name] = filepath.Join(directory, name)
		}
	}
	text, err := json.Marshal(config)
	if err != nil {
		return "", err
	}
	path := filepath.Join(work, fmt.Sprintf("%d.embed", len(b.archives)))
	return path, os.WriteFile(path, text, 0o600)
}

// embedded lists the files of a pattern, those in folders that it matches too: without what begins with a dot or an
// underscore there, unless the pattern begins with `all:`.
func embedded(directory, pattern string) ([]string, error) {
	glob, all := strings.CutPrefix(pattern, "all:")
	if !fs.ValidPath(glob) {
		return nil, errors.New("invalid pattern syntax")
	}
	matches, err := fs.Glob(os.DirFS(directory), glob)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, match := range matches {
		err := fs.WalkDir(os.DirFS(directory), match, func(name string, entry fs.DirEntry, err error) error {
			hidden := name != match && !all && strings.ContainsAny(entry.Name()[:1], "._")
			switch {
			case err != nil:
				return err
			case entry.IsDir() && hidden:
				return fs.SkipDir
			case entry.Type().IsRegular() && !hidden:
				names = append(names, name)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if len(names) == 0 {
		return nil, errors.New("no matching files found")
	}
	return names, nil
}

// relative gives every line of a list of syntax errors the path that the compiler would print.
func relative(list scanner.ErrorList) string {
	var lines []string
	for _, one := range list {
		one.Pos.Filename = shown(".", one.Pos.Filename)
		lines = append(lines, one.Error())
	}
	return strings.Join(lines, "\n")
}

// context is how the files of a directory are chosen; of the named one constraints are not seen.
func context(directory string) *build.Context {
	c := build.Default
	c.GOROOT, c.GOPATH, c.CgoEnabled = "", "", false
	c.BuildTags = tags
	if named == "" || filepath.Dir(named) != filepath.Clean(directory) {
		return &c
	}
	if fits, err := c.MatchFile(directory, filepath.Base(named)); err == nil && !fits {
		c.ReadDir = func(string) ([]fs.FileInfo, error) {
			info, err := os.Stat(named)
			return []fs.FileInfo{info}, err
		}
	}
	c.OpenFile = func(path string) (io.ReadCloser, error) {
		text, err := os.ReadFile(path)
		if filepath.Clean(path) == named {
			text = constraint.ReplaceAllFunc(text, func(line []byte) []byte { return bytes.Repeat([]byte("/"), len(line)) })
		}
		return io.NopCloser(bytes.NewReader(text)), err
	}
	return &c
}

// resolve compiles what found imports from the module, and reports what is nowhere.
func (b *builder) resolve(found *build.Package, directory string) bool {
	good := true
	for _, name := range sorted(found.Imports) {
		if err := b.provide(name); err != nil {
			position := found.ImportPos[name][0]
			b.problem("%s:%d:%d: %s", strings.TrimPrefix(shown(directory, filepath.Base(position.Filename)), "./"),
				position.Line, position.Column, err)
			good = false
		}
	}
	return good && len(b.problems) == 0
}

// provide sees to it that an archive of the named package is there.
func (b *builder) provide(name string) error {
	if _, done := b.archives[name]; done || name == "unsafe" {
		return nil
	}
	local, inside := strings.CutPrefix(name+"/", b.module+"/")
	if b.module != "" && inside {
		return b.provideLocal(name, path.Join(".", local))
	}
	if strings.Contains("/"+name+"/", "/internal/") || strings.HasPrefix(name, "vendor/") {
		return fmt.Errorf("use of internal package %s not allowed", name)
	}
	if _, err := os.Stat(archiveOf(name)); err == nil {
		return nil
	}
	if strings.Contains(strings.Split(name, "/")[0], ".") {
		return fmt.Errorf("no required module provides package %s: only the standard library is installed", name)
	}
	return fmt.Errorf("package %s is not in std", name)
}

func (b *builder) provideLocal(name, directory string) error {
	if b.pending[name] {
		return errors.New("import cycle not allowed")
	}
	if _, err := os.Stat(directory); err != nil {
		return fmt.Errorf("package %s is not in %s", name, directory)
	}
	b.pending[name] = true
	defer delete(b.pending, name)
	if packageName, ok := b.compile(name, directory); ok && packageName == "main" {
		return fmt.Errorf("import %q is a program, not an importable package", name)
	}
	return nil
}

func (b *builder) importConfig(imports []string) string {
	var config strings.Builder
	for _, name := range imports {
		if name != "unsafe" {
			fmt.Fprintf(&config, "packagefile %s=%s\n", name, b.archive(name))
		}
	}
	return config.String()
}

func (b *builder) archive(name string) string {
	if local, ok := b.archives[name]; ok {
		return local
	}
	return archiveOf(name)
}

func archiveOf(name string) string {
	return filepath.Join(standard, name+".a")
}

// link needs every package that the program reaches, so it is given the whole standard library's list.
func (b *builder) link(output string) error {
	config, err := os.ReadFile(filepath.Join(standard, "importcfg"))
	if err != nil {
		return err
	}
	text := bytes.NewBuffer(config)
	for name, archive := range b.archives {
		fmt.Fprintf(text, "packagefile %s=%s\n", name, archive)
	}
	path := filepath.Join(work, "link.cfg")
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		return err
	}
	arguments := []string{"-o", output, "-importcfg", path, "-buildmode=exe", "-s", "-w", b.archives["main"]}
	if report, err := tool("link", arguments); err != nil {
		return fmt.Errorf("# %s\n%s", title("main"), report)
	}
	return nil
}

// tool runs the compiler or the linker with little parallelism and no collector until memory is nearly spent.
func tool(name string, arguments []string) (string, error) {
	command := exec.Command(filepath.Join(tools, name), arguments...)
	command.Env = append(os.Environ(), "GOGC=off", "GOMEMLIMIT=80MiB")
	output, err := command.CombinedOutput()
	if err != nil && len(output) == 0 {
		output = []byte(name + ": " + err.Error())
	}
	return string(output), err
}

// shown is the file's path as the go command prints it: ./main.go, util/text.go.
func shown(directory, file string) string {
	if directory == "." {
		return "./" + file
	}
	return path.Join(directory, file)
}

func title(importPath string) string {
	if importPath == "main" {
		return "command-line-arguments"
	}
	return importPath
}

func sorted(names []string) []string {
	ordered := append([]string(nil), names...)
	sort.Strings(ordered)
	return ordered
}
