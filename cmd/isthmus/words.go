package main

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/alecthomas/kong"
	"github.com/go-json-experiment/json"

	"isthmus/cache"
)

// wordMark stands before a word of a search that begins with a hyphen, on its
// way through the parser of flags. No argument of a program contains it.
const wordMark = "\x00"

// markWords finds the words of a search that look like flags, such as -dogs and
// -from:bob. A flag is one letter, or one with a number (-l5), or has two
// hyphens; what comes after a flag that takes a value is that.
func markWords(model *kong.Application, args []string) []string {
	if len(args) == 0 {
		return args
	}
	command := args[0]
	if command != "search" && command != "save" && command != "as" {
		return args
	}
	long := map[string]string{} // of flags that take a value
	for _, flag := range append(flagsOf(model.Node, command), model.Flags...) {
		if flag.IsBool() {
			continue
		}
		name := "--" + flag.Name
		long[name] = name
		for _, alias := range flag.Aliases {
			long["--"+alias] = name
		}
		if flag.Short != 0 {
			long["-"+string(flag.Short)] = name
		}
	}
	out := []string{command}
	waits := "" // the flag that waits for its value
	for i, arg := range args[1:] {
		switch {
		case arg == "--":
			return append(out, args[1+i:]...)
		case waits != "" && isWord(arg): // such as -o -updated
			out[len(out)-1] = waits + "=" + arg
			waits = ""
			continue
		case waits == "" && isWord(arg):
			arg = wordMark + arg
		}
		if waits != "" {
			waits = ""
		} else {
			waits = long[arg]
		}
		out = append(out, arg)
	}
	return out
}

// joinFields makes one argument of a condition that is written as three, as
// Libervia takes it: --field PATH OP VALUE. A path alone is no condition.
func joinFields(args []string) []string {
	if len(args) == 0 || args[0] != "search" {
		return args
	}
	out := []string{}
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			return append(out, args[i:]...)
		}
		out = append(out, arg)
		if arg != "-F" && arg != "--field" && arg != "--filter" || i+2 >= len(args) {
			continue
		}
		path, op := listPath(args[i+1]), args[i+2]
		if strings.ContainsAny(path, " \t<>=!") {
			continue
		}
		i += 2
		condition := path + " " + op
		if i+1 < len(args) && (!strings.EqualFold(op, "exists") || slices.Contains([]string{"true", "false", "yes", "no"}, args[i+1])) {
			i++
			condition += " " + args[i]
		}
		out[len(out)-1] = "--field=" + condition
	}
	return out
}

// listPath writes a path that is a list, ["a", 0, "b"], as a[0].b.
func listPath(path string) string {
	var list []any
	if !strings.HasPrefix(path, "[") || json.Unmarshal([]byte(path), &list) != nil {
		return path
	}
	var b strings.Builder
	for i, step := range list {
		switch step := step.(type) {
		case string:
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(step)
		case float64:
			fmt.Fprintf(&b, "[%d]", int(step))
		default:
			return path
		}
	}
	return b.String()
}

func flagsOf(model *kong.Node, command string) []*kong.Flag {
	for _, child := range model.Children {
		if child.Name == command {
			return child.Flags
		}
	}
	return nil
}

// isWord tells whether an argument with a hyphen before it is no flag.
func isWord(arg string) bool {
	rest, ok := strings.CutPrefix(arg, "-")
	if !ok || len(rest) < 2 || rest[0] == '-' {
		return false
	}
	return strings.TrimFunc(rest[1:], unicode.IsDigit) != "" // -l5
}

// plainWords are words as they were given.
func plainWords(words []string) []string {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = strings.TrimPrefix(w, wordMark)
	}
	return list
}

// searchText joins words to a search. A word with spaces in it is a phrase,
// whose quotation marks the shell took, unless it is a search of its own.
func searchText(words []string) string {
	list := plainWords(words)
	for i, w := range list {
		list[i] = shellPhrase(w)
	}
	return strings.Join(list, " ")
}

func shellPhrase(word string) string {
	parts := strings.Fields(word)
	if len(parts) < 2 || strings.ContainsAny(word, `"():*#`) {
		return word
	}
	for _, p := range parts {
		if p == "OR" || p == "AND" || p == "NOT" || strings.HasPrefix(p, "-") {
			return word
		}
	}
	return cache.Quote(word)
}
