package strict

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// FuzzParse reads anything in every way there is: nothing panics, and every
// mistake stands on a line of the text.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		changed, "", "a: &a [*a]", "? [x]\n: y", "a: 1\n---\nb: 2", "\t", "a: !!int x", "<<: {a: 1}",
		"a: |\n  text\n  more", "{a: 5x, b: 30%, c: 100/s, d: 64KiB}", "\ufeff", "%YAML 1.1\n---\na: 1\n...\n",
		"a: '\xff'", "a:\r\n  - b\r\n", "- - - - -", "&a : *a", "'': ''", "a: \"\\x41\\u00e9\"",
	} {
		f.Add(seed, "a.b[0]=1")
	}
	f.Fuzz(func(t *testing.T, text, change string) {
		log := &Log{}
		doc := Parse("f", []byte(text), log)
		c, ok := ParseChange("--set", change, log)
		if doc == nil {
			require.Error(t, log.Err())
		} else {
			if ok {
				doc.Apply(c, "")
			}
			readAll(doc.Root(), 0)
			require.NotPanics(t, func() { Parse("again", []byte(doc.Root().Flow()), &Log{}) })
		}
		err, _ := log.Err().(Problems)
		for _, p := range err {
			require.Positive(t, p.Line)
			require.Positive(t, p.Column)
			require.NotEmpty(t, p.File)
			require.NotEmpty(t, p.Wrong)
			require.NotEmpty(t, p.Error())
		}
	})
}

func readAll(v Value, depth int) {
	v.Text("")
	v.Word("", "a", "b")
	v.Bool(false)
	v.Int(0, 0, 9)
	v.Number(0, 0, 9)
	v.Duration(0, 0, time.Hour)
	v.Rate(0, 0, 9)
	v.Size(0, 0, 9)
	v.Share(0, 0, 1)
	v.Factor(0, 0, 9)
	v.Fields("a", "b")
	if depth > 40 {
		panic("deeper than the bound")
	}
	for _, item := range v.OneOrMore("") {
		if v.IsList() {
			readAll(item, depth+1)
		}
	}
	for _, e := range v.Entries("") {
		readAll(e.Value, depth+1)
	}
}
