package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/build"
	"go/doc"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"unicode"
	"unicode/utf8"
)

// testFile is one of the package's files, read for what it declares.
type testFile struct {
	*ast.File
	external bool
}

// testMain is what starts the tests, as `go test -v` would write it.
var testMain = template.Must(template.New("").Parse(`package main

import (
	"os"
	"testing"
	"testing/internal/testdeps"
	{{if .Has "_test."}}_test {{printf "%q" .Path}}{{else}}_ {{printf "%q" .Path}}{{end}}
	{{if .External}}{{if .Has "_xtest."}}_xtest{{else}}_{{end}} {{printf "%q" .External}}{{end}}
)

func main() {
	os.Args = append([]string{os.Args[0], "-test.v", "-test.paniconexit0"}, os.Args[1:]...)
	m := testing.MainStart(testdeps.TestDeps{},
		[]testing.InternalTest{ {{range .Tests}}{ {{printf "%q" .Name}}, {{.Func}} },{{end}} },
		[]testing.InternalBenchmark{ {{range .Benchmarks}}{ {{printf "%q" .Name}}, {{.Func}} },{{end}} },
		[]testing.InternalFuzzTarget{ {{range .Fuzz}}{ {{printf "%q" .Name}}, {{.Func}} },{{end}} },
		[]testing.InternalExample{ {{range .Examples}}{ {{printf "%q" .Name}}, {{.Func}}, {{printf "%q" .Output}}, {{.Unordered}} },{{end}} })
	{{if .Main}}{{.Main}}(m)
	os.Exit(0){{else}}os.Exit(m.Run()){{end}}
}
`))

type testFunction struct {
	Name, Func, Output string
	Unordered          bool
}

type testFunctions struct {
	Path, External, Main              string
	Tests, Benchmarks, Fuzz, Examples []testFunction
}

// Has says whether a function is called of the package that goes by this name.
func (t testFunctions) Has(prefix string) bool {
	all := slices.Concat(t.Tests, t.Benchmarks, t.Fuzz, t.Examples)
	return strings.HasPrefix(t.Main, prefix) ||
		slices.ContainsFunc(all, func(each testFunction) bool { return strings.HasPrefix(each.Func, prefix) })
}

// testProgram makes the tests of the directory's package the program, where it has some and no main, or where the named file
// is one of tests. False where the package is to be compiled as it is, or has mistakes that this will tell.
func (b *builder) testProgram(directory string) bool {
	found, err := context(directory).ImportDir(directory, 0)
	if err != nil {
		return false
	}
	files, err := parsed(directory, found)
	if err != nil || found.Name == "main" && hasMain(files) && !strings.HasSuffix(named, "_test.go") {
		return false
	}
	functions := functionsOf(files)
	if len(functions.Tests)+len(functions.Benchmarks)+len(functions.Fuzz)+len(functions.Examples) == 0 {
		return false
	}
	functions.Path = "command-line-arguments"
	if b.module != "" {
		functions.Path = path.Join(b.module, filepath.ToSlash(directory))
	}
	b.pending[functions.Path] = true
	inside := *found
	inside.GoFiles = slices.Concat(found.GoFiles, found.TestGoFiles)
	inside.Imports, inside.ImportPos = united(found.Imports, found.TestImports), merged(found.ImportPos, found.TestImportPos)
	inside.EmbedPatterns = united(found.EmbedPatterns, found.TestEmbedPatterns)
	inside.EmbedPatternPos = merged(found.EmbedPatternPos, found.TestEmbedPatternPos)
	if !b.compilePackage(functions.Path, directory, &inside) {
		return true
	}
	if len(found.XTestGoFiles) > 0 {
		functions.External = functions.Path + "_test"
		outside := build.Package{GoFiles: found.XTestGoFiles, Imports: found.XTestImports, ImportPos: found.XTestImportPos,
			EmbedPatterns: found.XTestEmbedPatterns, EmbedPatternPos: found.XTestEmbedPatternPos}
		if !b.compilePackage(functions.External, directory, &outside) {
			return true
		}
	}
	b.compileTestMain(functions)
	return true
}

func (b *builder) compileTestMain(functions testFunctions) {
	var text bytes.Buffer
	if err := testMain.Execute(&text, functions); err != nil {
		fail(err.Error())
	}
	file := filepath.Join(work, "testmain.go")
	if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
		fail(err.Error())
	}
	imports := []string{"os", "testing", "testing/internal/testdeps", functions.Path}
	if functions.External != "" {
		imports = append(imports, functions.External)
	}
	b.compileFiles("main", imports, []string{file})
}

func parsed(directory string, found *build.Package) ([]testFile, error) {
	var files []testFile
	positions := token.NewFileSet()
	for _, name := range slices.Concat(found.GoFiles, found.TestGoFiles, found.XTestGoFiles) {
		file, err := parser.ParseFile(positions, filepath.Join(directory, name), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, testFile{file, slices.Contains(found.XTestGoFiles, name)})
	}
	return files, nil
}

func hasMain(files []testFile) bool {
	return slices.ContainsFunc(files, func(file testFile) bool {
		return slices.ContainsFunc(file.Decls, func(declared ast.Decl) bool {
			function, ok := declared.(*ast.FuncDecl)
			return ok && function.Recv == nil && function.Name.Name == "main"
		})
	})
}

// functionsOf lists what `go test` runs: by their names, and by what they take.
func functionsOf(files []testFile) testFunctions {
	var all testFunctions
	for _, file := range files {
		prefix := "_test."
		if file.external {
			prefix = "_xtest."
		}
		for _, declared := range file.Decls {
			function, ok := declared.(*ast.FuncDecl)
			if !ok || function.Recv != nil || function.Type.TypeParams != nil {
				continue
			}
			name := function.Name.Name
			one := testFunction{Name: name, Func: prefix + name}
			switch {
			case name == "TestMain" && takes(function, "M"):
				all.Main = prefix + name
			case isNamed(name, "Test") && takes(function, "T"):
				all.Tests = append(all.Tests, one)
			case isNamed(name, "Benchmark") && takes(function, "B"):
				all.Benchmarks = append(all.Benchmarks, one)
			case isNamed(name, "Fuzz") && takes(function, "F"):
				all.Fuzz = append(all.Fuzz, one)
			}
		}
		for _, example := range doc.Examples(file.File) {
			if example.Output != "" || example.EmptyOutput {
				name := "Example" + example.Name
				all.Examples = append(all.Examples, testFunction{name, prefix + name, example.Output, example.Unordered})
			}
		}
	}
	return all
}

// isNamed says whether the name is the prefix with something after it that begins with no small letter.
func isNamed(name, prefix string) bool {
	rest, ok := strings.CutPrefix(name, prefix)
	first, _ := utf8.DecodeRuneInString(rest)
	return ok && !unicode.IsLower(first)
}

// takes says whether the function's one parameter is a pointer to this type of package testing.
func takes(function *ast.FuncDecl, kind string) bool {
	list := function.Type.Params.List
	if function.Type.Results != nil || len(list) != 1 || len(list[0].Names) > 1 {
		return false
	}
	pointer, ok := list[0].Type.(*ast.StarExpr)
	if !ok {
		return false
	}
	of, ok := pointer.X.(*ast.SelectorExpr)
	return ok && fmt.Sprint(of.X) == "testing" && of.Sel.Name == kind
}

func united(lists ...[]string) []string {
	all := slices.Concat(lists...)
	slices.Sort(all)
	return slices.Compact(all)
}

func merged(first, second map[string][]token.Position) map[string][]token.Position {
	all := maps.Clone(first)
	if all == nil {
		all = map[string][]token.Position{}
	}
	maps.Copy(all, second)
	return all
}
