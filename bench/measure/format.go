package measure

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// dash stands for what cannot be told.
const dash = "–"

// Text writes a value of the metric with its unit, to three digits that
// mean something: "12.3 ms", "99.95%", "812/s".
func Text(m Metric, value float64) string {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return dash
	}
	switch Metrics[m.Name].Unit {
	case Seconds:
		if value == never {
			return "never"
		}
		return duration(value)
	case Share:
		return percent(value)
	case PerSec:
		return digits(value, 3) + "/s"
	case Times:
		return digits(value, 3) + "×"
	}
	return digits(value, 3)
}

// Text writes a figure, or a dash where it is not known.
func (f Figure) Text(m Metric) string {
	if !f.Known {
		return dash
	}
	return Text(m, f.Value)
}

// Range writes the interval of a figure, "11.9 ms to 12.8 ms", or
// nothing if there is none.
func (f Figure) Range(m Metric) string {
	if !f.Known || f.N < 2 {
		return ""
	}
	low, high := Text(m, f.Low), Text(m, f.High)
	if low == high {
		return low
	}
	return low + " to " + high
}

// duration prints seconds in the unit that leaves a number from 1 to 1000.
func duration(seconds float64) string {
	size := math.Abs(seconds) * 1.0005 // 999.7 µs is 1 ms
	switch {
	case seconds == 0:
		return "0 ms"
	case size < 1e-3:
		return digits(seconds*1e6, 3) + " µs"
	case size < 1:
		return digits(seconds*1e3, 3) + " ms"
	}
	return digits(seconds, 3) + " s"
}

// percent prints a share. Close to 1 the nines are what counts, so that there
// the distance to 100% has two digits; only 1 itself is 100%.
func percent(share float64) string {
	p := share * 100
	if short := 100 - p; p > 99 && p < 100 {
		decimals := min(4, max(2, 1-int(math.Floor(math.Log10(short)))))
		step := math.Pow(10, float64(decimals))
		return trim(strconv.FormatFloat(math.Floor(p*step+1e-6)/step, 'f', decimals, 64)) + "%"
	}
	return digits(p, 3) + "%"
}

// digits prints n significant digits, whole numbers whole, without trailing
// noughts after the point.
func digits(x float64, n int) string {
	if x == 0 {
		return "0"
	}
	size := int(math.Floor(math.Log10(math.Abs(x))))
	decimals := max(0, n-1-size)
	text := strconv.FormatFloat(x, 'f', decimals, 64)
	if size >= 0 && decimals > 0 && len(strings.TrimLeft(text, "-")) > n+1 {
		text = strconv.FormatFloat(x, 'f', decimals-1, 64) // 9.999 became 10.00
	}
	return trim(text)
}

func trim(text string) string {
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// wording is how a metric is compared in words.
type wording struct{ times, up, down string }

var wordings = map[Unit]wording{
	Seconds:  {"as long", "longer", "shorter"},
	PerSec:   {"as high", "higher", "lower"},
	Requests: {"as many", "more", "fewer"},
	Times:    {"as much", "more", "less"},
	Share:    {"", "higher", "lower"},
}

// text says a comparison in words.
func (c *Comparison) text() string {
	f := c.figure()
	switch {
	case !f.Known:
		return "cannot be told"
	case c.Verdict == NoDiff && c.Detectable() < rounding:
		return "no difference: the same in every repetition"
	case c.Verdict == NoDiff && c.huge():
		return "no detectable difference (too few repetitions to see any but a huge one)"
	case c.Verdict == NoDiff:
		return "no detectable difference (could have seen " + c.detectable() + ")"
	case f.N < 2:
		return c.phrase(f.Value) + " (one repetition: no interval)"
	}
	return c.phrase(f.Value) + " (" + c.between(f) + c.crowd() + ")"
}

// detectable says in words how much the comparison could have seen.
func (c *Comparison) detectable() string {
	seen := c.Detectable()
	switch {
	case !c.Relative:
		return points(seen)
	case seen >= 1:
		return "a factor of " + digits(1+seen, 2)
	}
	return digits(seen*100, 2) + "%"
}

// phrase says how much: "2.1 times as long", "12% shorter", "3.2 points
// higher".
func (c *Comparison) phrase(value float64) string {
	w := wordings[Metrics[c.Metric.Name].Unit]
	switch {
	case !c.Relative && value == 0, c.Relative && value == 1:
		return "the same"
	case !c.Relative:
		return points(math.Abs(value)) + " " + direction(value > 0, w)
	case value >= manifold:
		return digits(value, 2) + " times " + w.times
	}
	change := math.Abs(value-1) * 100
	text := digits(change, 2)
	for n := 3; n <= 4 && overstated(text, change); n++ {
		text = digits(change, n)
	}
	return text + "% " + direction(value > 1, w)
}

// manifold is the ratio from which "1.5 times as long" reads better than "50%
// longer".
const manifold = 1.5

func direction(up bool, w wording) string {
	if up {
		return w.up
	}
	return w.down
}

// between writes the interval in the terms of phrase, smaller number first,
// with as many digits as it takes to tell its ends apart.
func (c *Comparison) between(f Figure) string {
	low, high := f.Low, f.High
	value, mark := c.Ratio.Value, "%"
	switch {
	case !c.Relative && c.Difference.Value < 0:
		low, high, mark = -100*high, -100*low, " points"
	case !c.Relative:
		low, high, mark = 100*low, 100*high, " points"
	case value >= manifold:
		mark = ""
	case value < 1:
		low, high = 100*(1-high), 100*(1-low)
	default:
		low, high = 100*(low-1), 100*(high-1)
	}
	from, to := digits(low, 2), digits(high, 2)
	for n := 3; n <= 4 && (from == to || overstated(to, high)); n++ {
		from, to = digits(low, n), digits(high, n)
	}
	if from == to {
		return "in every repetition"
	}
	if mark == "%" {
		from += mark
	}
	return from + " to " + to + mark
}

// overstated says that rounding made 100 of less: nothing gets 100% shorter.
func overstated(text string, x float64) bool { return text == "100" && x < 100 }

// points prints a difference of shares.
func points(difference float64) string {
	number := digits(difference*100, 2)
	if number == "1" {
		return "1 point"
	}
	return fmt.Sprintf("%s points", number)
}
