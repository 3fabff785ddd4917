package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// call is a command as it is asked of the gateway.
type call struct {
	Name    string            `json:"name"`
	As      string            `json:"as,omitempty"` // the user who acts; empty: the operator
	Args    []string          `json:"args,omitempty"`
	Options map[string]string `json:"options,omitempty"`
}

// report is what a command has to say: sentences, tables, or both.
type report struct {
	Text   []string `json:"text,omitempty"`
	Tables []table  `json:"tables,omitempty"`

	Search *searchReport `json:"search,omitempty"` // of search alone
	// Ask says what the command would end that nothing brings back: it did
	// nothing yet.
	Ask string `json:"ask,omitempty"`
}

// table is rows under columns. A cell is a string, a number, a bool or nil.
type table struct {
	Name    string   `json:"name"`
	Columns []string `json:"columns"`
	Rows    [][]any  `json:"rows"`
}

// print writes a report for people.
func (r report) print(w io.Writer) error {
	for _, text := range r.Text {
		for line := range strings.SplitSeq(text, "\n") {
			if _, err := fmt.Fprintln(w, printable(line)); err != nil {
				return err
			}
		}
	}
	for i, t := range r.Tables {
		if len(r.Text) > 0 || i > 0 {
			fmt.Fprintln(w)
		}
		if len(r.Tables) > 1 {
			fmt.Fprintln(w, strings.ToUpper(t.Name[:1])+t.Name[1:]+":")
		}
		if err := t.print(w); err != nil {
			return err
		}
	}
	return nil
}

func (t table) print(w io.Writer) error {
	if len(t.Rows) == 0 {
		_, err := fmt.Fprintln(w, "none")
		return err
	}
	lines := [][]string{make([]string, len(t.Columns))}
	numbers := make([]bool, len(t.Columns)) // stand on the right
	for i, c := range t.Columns {
		lines[0][i] = strings.ToUpper(c)
		numbers[i] = t.numeric(i)
	}
	for _, row := range t.Rows {
		line := make([]string, len(row))
		for i, c := range row {
			line[i] = printable(cell(c))
		}
		lines = append(lines, line)
	}
	widths := make([]int, len(t.Columns))
	for _, line := range lines {
		for i := range min(len(line), len(widths)) {
			widths[i] = max(widths[i], columns(line[i]))
		}
	}
	for _, line := range lines {
		for i := range min(len(line), len(widths)) {
			if line[i] = pad(line[i], widths[i], numbers[i]); i == len(widths)-1 && !numbers[i] {
				line[i] = strings.TrimRight(line[i], " ")
			}
		}
		if _, err := fmt.Fprintln(w, strings.Join(line, "  ")); err != nil {
			return err
		}
	}
	return nil
}

// numeric reports whether a column has numbers, and nothing else.
func (t table) numeric(column int) bool {
	some := false
	for _, row := range t.Rows {
		if column >= len(row) {
			continue
		}
		switch row[column].(type) {
		case nil:
		case int, int64, float64:
			some = true
		default:
			return false
		}
	}
	return some
}

func cell(v any) string {
	switch v := v.(type) {
	case nil:
		return "-"
	case string:
		if v == "" {
			return "-"
		}
		return v
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case float64: // every number, once it has been through JSON
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

// printable keeps what strangers wrote from steering the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return ' '
		case r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069:
			return '\ufffd'
		}
		return r
	}, s)
}

// printJSON writes a report for programs: every table is a list of objects
// under its name.
func (r report) printJSON(w io.Writer) error {
	out := map[string]any{}
	if len(r.Text) > 0 {
		out["text"] = r.Text
	}
	for _, t := range r.Tables {
		rows := make([]map[string]any, len(t.Rows))
		for i, row := range t.Rows {
			rows[i] = make(map[string]any, len(row))
			for j, c := range row {
				if j < len(t.Columns) {
					rows[i][t.Columns[j]] = c
				}
			}
		}
		out[t.Name] = rows
	}
	return writeJSON(w, out)
}

func writeJSON(w io.Writer, v any) error {
	if err := json.MarshalWrite(w, v, json.Deterministic(true), jsontext.WithIndent("  ")); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w)
	return err
}
