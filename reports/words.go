package reports

import (
	"fmt"
	"strconv"
	"strings"

	"trafficlab/bench/measure"
)

const dash = "–"

// Values outside the registry of metrics are printed like those in it.
func latency(seconds float64) string { return measure.Text(measure.Metric{Name: "mean"}, seconds) }
func share(part float64) string      { return measure.Text(measure.Metric{Name: "failed"}, part) }
func rate(perSecond float64) string {
	return measure.Text(measure.Metric{Name: "offered"}, perSecond)
}

// count writes a whole number with its thousands apart.
func count(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}

// size writes bytes in the unit that leaves a number below 1024.
func size(bytes int64) string {
	v := float64(bytes)
	for _, unit := range []string{"B", "KiB", "MiB"} {
		if v < 1024 {
			return strconv.FormatFloat(v, 'g', 3, 64) + " " + unit
		}
		v /= 1024
	}
	return strconv.FormatFloat(v, 'f', 1, 64) + " GiB"
}

// clock writes an instant of a run: "5s".
func clock(seconds float64) string { return strconv.FormatFloat(seconds, 'g', 6, 64) + " s" }

// unbroken is a text whose pieces "45% to 48%", "d = 2" and "p99 < 1s" stay on one
// line.
var unbroken = strings.NewReplacer(" to ", "\u00a0to\u00a0", " = ", "\u00a0=\u00a0",
	" < ", "\u00a0<\u00a0", " > ", "\u00a0>\u00a0").Replace

// plural is "1 repetition", "5 repetitions".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// worldNames say what the worlds are.
var worldNames = map[string]string{"live": "live", "sim": "simulated", theory: "by formula"}

func worldName(world string) string {
	if name, ok := worldNames[world]; ok {
		return name
	}
	return world
}
