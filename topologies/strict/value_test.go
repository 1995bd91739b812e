package strict

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func document(t *testing.T, text string) *Document {
	t.Helper()
	doc := Parse("f", []byte(text), &Log{})
	require.NotNil(t, doc)
	return doc
}

func TestScalars(t *testing.T) {
	for _, c := range []struct {
		text string
		read func(Value) any
		want any
		err  string // after the position
	}{
		{"250ms", duration, 250 * time.Millisecond, ""},
		{"1m30s", duration, 90 * time.Second, ""},
		{"0", duration, time.Duration(0), ""},
		{"250", duration, time.Duration(-1), `x: "250" has no unit (such as 250ms)`},
		{"-5s", duration, time.Duration(-1), `x: "-5s" is not a duration (such as 250ms)`},
		{"+5s", duration, time.Duration(-1), `x: "+5s" is not a duration (such as 250ms)`},
		{"2h", duration, time.Duration(-1), `x: 2h is out of range (from 0s to 1h)`},
		{"5 s", duration, time.Duration(-1), `x: "5 s" is not a duration (such as 250ms)`},
		{"[5s]", duration, time.Duration(-1), `x: is a list, not a single value (such as 250ms)`},
		{"~", duration, time.Duration(-1), `x: has no value (such as 250ms)`},
		{"100/s", rate, 100.0, ""},
		{"90/m", rate, 1.5, ""},
		{"100", rate, -1.0, `x: "100" has no unit (such as 100/s)`},
		{"100/h", rate, -1.0, `x: "100/h" is not a rate (such as 100/s)`},
		{"1e9/s", rate, -1.0, `x: "1e9/s" is not a rate (such as 100/s)`},
		{"64KiB", size, int64(65536), ""},
		{"1MB", size, int64(1000000), ""},
		{"512", size, int64(512), ""},
		{"0.5KiB", size, int64(512), ""},
		{"0.3B", size, int64(-1), `x: "0.3B" is not a whole number of bytes (such as 64KiB)`},
		{"64kib", size, int64(-1), `x: "64kib" is not a size (such as 64KiB)`},
		{"2GiB", size, int64(-1), `x: 2GiB is out of range (from 0B to 1GiB)`},
		{"30%", share, 0.3, ""},
		{"99.9%", share, 0.9990000000000001, ""},
		{"0.3", share, -1.0, `x: "0.3" has no unit (such as 30%)`},
		{"130%", share, -1.0, `x: 130% is out of range (from 0% to 100%)`},
		{"5x", factor, 5.0, ""},
		{"1.5x", factor, 1.5, ""},
		{"NaNx", factor, -1.0, `x: "NaNx" is not a factor (such as 5x)`},
		{"7", integer, 7, ""},
		{"0x7", integer, -1, `x: "0x7" is not a whole number (such as 4)`},
		{"99999999999999999999", integer, -1, `x: "99999999999999999999" is not a whole number (such as 4)`},
		{"true", boolean, true, ""},
		{"yes", boolean, false, `x: "yes" is neither true nor false (true or false)`},
		{"round-robbin", word, "", `x: unknown value "round-robbin" (did you mean "round-robin"?)`},
		{"quickest", word, "", `x: unknown value "quickest" (one of round-robin, p2c)`},
		{"012", text, "012", ""},
		{"'  '", text, "-", `x: is empty`},
	} {
		t.Run(c.text, func(t *testing.T) {
			doc := document(t, "x: "+c.text+"\n")
			require.Equal(t, c.want, c.read(doc.Root().Get("x")))
			if c.err == "" {
				require.Empty(t, heads(doc.Err()))
			} else {
				require.Equal(t, []string{"f:1:4: " + c.err}, heads(doc.Err()))
			}
			require.Equal(t, c.read(Value{}), c.read(doc.Root().Get("absent")), "an absent value is its default")
		})
	}
}

func duration(v Value) any { return v.Duration(-1, 0, time.Hour) }
func rate(v Value) any     { return v.Rate(-1, 0, 1000) }
func size(v Value) any     { return v.Size(-1, 0, 1<<30) }
func share(v Value) any    { return v.Share(-1, 0, 1) }
func factor(v Value) any   { return v.Factor(-1, 1, 10) }
func integer(v Value) any  { return v.Int(-1, 1, 10) }
func boolean(v Value) any  { return v.Bool(false) }
func word(v Value) any     { return v.Word("", "round-robin", "p2c") }
func text(v Value) any     { return v.Text("-") }

func TestUnknownFieldsAreSuggested(t *testing.T) {
	doc := document(t, "piick: p2c\nreplcias: 3\nhealth_check: 1\nwholly-other: 2\n")
	doc.Root().Fields("pick", "replicas", "health-check", "to")
	require.Equal(t, []string{
		`f:1:1: piick: unknown field (did you mean "pick"?)`,
		`f:2:1: replcias: unknown field (did you mean "replicas"?)`,
		`f:3:1: health_check: unknown field (did you mean "health-check"?)`,
		`f:4:1: wholly-other: unknown field (the fields are pick, replicas, health-check, to)`,
	}, heads(doc.Err()))
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "abc", 0}, {"abc", "acb", 1},
		{"kitten", "sitting", 3}, {"ca", "abc", 3}, {"tries", "tires", 1},
	} {
		require.Equal(t, c.want, distance(c.a, c.b), "%s %s", c.a, c.b)
		require.Equal(t, c.want, distance(c.b, c.a), "%s %s", c.b, c.a)
	}
}

func TestWritersReadBack(t *testing.T) {
	for _, d := range []time.Duration{0, time.Millisecond, 1500 * time.Millisecond, time.Minute, 90 * time.Second, time.Hour, 61 * time.Minute} {
		back, err := ParseDuration(Duration(d))
		require.NoError(t, err)
		require.Equal(t, d, back)
	}
	require.Equal(t, "1m", Duration(time.Minute))
	require.Equal(t, "1h", Duration(time.Hour))
	require.Equal(t, "10m", Duration(10*time.Minute))
	require.Equal(t, "64KiB", Size(65536))
	require.Equal(t, "1000B", Size(1000))
	require.Equal(t, "30%", Share(0.3))
	require.Equal(t, "5x", Factor(5))
	require.Equal(t, "100/s", Rate(100))
}
