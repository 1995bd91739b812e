package strict

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func heads(err error) []string {
	var heads []string
	if err != nil {
		for _, p := range err.(Problems) {
			heads = append(heads, p.Head())
		}
	}
	return heads
}

func TestTextsThatAreNoDocument(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"empty":             {"", "f:1:1: the file is empty"},
		"comments alone":    {"# nothing\n\n", "f:1:1: the file is empty"},
		"null":              {"~\n", "f:1:1: the file is empty"},
		"two documents":     {"a: 1\n---\nb: 2\n", "f:2:1: a second document begins here (one document a file)"},
		"NUL":               {"a: 1\nb: \x00\n", "f:2:4: the control character 0x00 (a file is text in UTF-8)"},
		"no UTF-8":          {"a: ö\xff\n", "f:1:5: the byte 0xff is not valid UTF-8 (a file is text in UTF-8)"},
		"escape":            {"a: \x1b[31m\n", "f:1:4: the control character 0x1b (a file is text in UTF-8)"},
		"unknown anchor":    {"a: 1\nb: *here\n", "f:2:1: not YAML: unknown anchor 'here' referenced"},
		"bad indent":        {"a: 1\n  b: 2\n", "f:2:3: not YAML: mapping values are not allowed in this context"},
		"unclosed":          {"a: [1, 2\n", "f:1:1: not YAML: did not find expected ',' or ']'"},
		"too long":          {"# " + strings.Repeat("x", MaxBytes), "f:1:1: the file is too long (at most 1048576 bytes)"},
		"anchor in itself":  {"a: &a [*a]\n", "f:1:8: a[0]: nested too deeply (at most 32 levels, and no alias within its own anchor)"},
		"duplicate":         {"a: 1\nb: 2\na: 3\n", "f:3:1: a: given twice (first on line 1)"},
		"key of two":        {"[a, b]: 1\n", "f:1:1: a key that is not a word"},
		"tag":               {"a: !!binary aGk=\n", "f:1:4: a: the tag !!binary (tags are not used here)"},
		"one mark":          {"\ufeffa: 1\n", ""},
		"carriage returns":  {"a: 1\r\nb: 2\r\n", ""},
		"anchors and reuse": {"a: &x {b: 1}\nc: *x\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			log := &Log{}
			Parse("f", []byte(c.text), log)
			got := heads(log.Err())
			if c.want == "" {
				require.Empty(t, got)
				return
			}
			require.NotEmpty(t, got)
			if name == "anchor in itself" { // the path tells how deep it went
				require.Contains(t, got[0], "nested too deeply")
				return
			}
			require.Equal(t, c.want, got[0])
		})
	}
}

func TestBillionLaughsAreBounded(t *testing.T) {
	text := "a: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := range 9 {
		text += strings.NewReplacer("N", string(rune('1'+i)), "M", string(rune('0'+i))).
			Replace("bN: &aN [*aM, *aM, *aM, *aM, *aM, *aM, *aM, *aM, *aM, *aM]\n")
	}
	log := &Log{}
	doc := Parse("f", []byte(text), log)
	require.Contains(t, log.Err().Error(), "the file holds too many values (at most 50000, aliases written out)")
	require.LessOrEqual(t, count(doc.root), maxNodes)
}

func count(n *node) int {
	sum := 1
	for _, child := range n.items {
		sum += count(child)
	}
	return sum
}

func TestDeepNestingIsBounded(t *testing.T) {
	log := &Log{}
	Parse("f", []byte(strings.Repeat("[", 5000)+strings.Repeat("]", 5000)), log)
	require.Contains(t, log.Err().Error(), "nested too deeply")
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	_, err := Load(dir)
	require.EqualError(t, err, "read "+dir+": is a directory, not a file")
	gone := filepath.Join(dir, "gone.yaml")
	_, err = Load(gone)
	require.EqualError(t, err, "read "+gone+": no such file or directory")
	long := filepath.Join(dir, "long.yaml")
	require.NoError(t, os.WriteFile(long, make([]byte, 3*MaxBytes), 0o644))
	data, err := Load(long)
	require.NoError(t, err)
	require.Len(t, data, MaxBytes+1, "no more is read than it takes to refuse it")
}

func TestExcerpts(t *testing.T) {
	for name, c := range map[string]struct {
		source string
		column int
		want   string
	}{
		"plain": {"lb: {pik: p2c}", 6, "    lb: {pik: p2c}\n         ^"},
		"tabs":  {"\t\tlb: x", 3, "    \t\tlb: x\n    \t\t^"},
		"wide":  {"ö: ü", 4, "    ö: ü\n       ^"},
		"end":   {"a", 9, "    a\n     ^"},
		"long": {strings.Repeat("a", 200) + "!" + strings.Repeat("b", 200), 201,
			"    …" + strings.Repeat("a", 66) + "!" + strings.Repeat("b", 32) + "…\n    " + strings.Repeat(" ", 67) + "^"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, Problem{Source: c.source, Column: c.column}.excerpt())
		})
	}
}

func TestProblemsAreSortedAndToldOnce(t *testing.T) {
	log := &Log{}
	for _, p := range []Problem{
		{File: "b", Line: 2, Column: 1, Wrong: "x"},
		{File: "a", Line: 9, Column: 9, Wrong: "x"},
		{File: "b", Line: 1, Column: 5, Wrong: "x"},
		{File: "b", Line: 1, Column: 5, Wrong: "x"},
		{File: "b", Line: 1, Column: 2, Wrong: "x"},
	} {
		log.Note(p)
	}
	require.Equal(t, []string{"b:1:2: x", "b:1:5: x", "b:2:1: x", "a:9:9: x"}, heads(log.Err()))
}

func TestNoControlCharacterReachesTheTerminal(t *testing.T) {
	long := "\x1b[2Ja\x9b\u009b\n" + strings.Repeat("x", MaxBytes)
	for name, text := range map[string]string{"too long": long, "short": long[:9], "C1": "a: \u009b31m", "escaped key": `"\x1b[2J": 1`, "escaped text": `a: "\x1b[2J"`} {
		log := &Log{}
		if doc := Parse("f", []byte(text), log); doc != nil {
			doc.Root().Fields("a")
			doc.Root().Get("a").Text("")
		}
		require.Error(t, log.Err(), name)
		require.NotRegexp(t, `[\x00-\x09\x0b-\x1f\x7f-\x{9f}]`, log.Err().Error(), name)
	}
}
