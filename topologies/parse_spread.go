package topologies

import (
	"fmt"
	"slices"
	"time"

	"trafficlab/topologies/strict"
)

// LawExample shows the forms of a law of durations.
const LawExample = "5ms, {exponential: 5ms}, {lognormal: {median: 5ms, p99: 30ms}}, {uniform: {from: 1ms, to: 9ms}} or {pareto: {from: 1ms, to: 1s, shape: 1.5}}"

// ReadDistribution reads a law of durations, noting mistakes as all readers do.
func ReadDistribution(v strict.Value) Distribution {
	return ReadSpread(v, Amounts[time.Duration]{
		Least: time.Microsecond, Most: longestTime, Or: time.Millisecond, Read: strict.Value.Duration, Write: strict.Duration, Example: LawExample,
	})
}

// Amounts says what a Spread is of.
type Amounts[T ~int64] struct {
	Least   T // of what a law is drawn between; a mean may be 0
	Most    T
	Or      T // where nothing is said, or nothing right
	Read    func(v strict.Value, or, low, high T) T
	Write   func(T) string
	Example string
	Counted bool // they are whole numbers of something, of which there is one at least
}

// laws are the forms of a spread. An amount alone is a constant.
var laws = []string{"constant", "exponential", "lognormal", "uniform", "pareto"}

func (of Amounts[T]) laws() []string {
	if of.Counted {
		return append(slices.Clone(laws), "geometric")
	}
	return laws
}

// ReadSpread reads a law of amounts.
func ReadSpread[T ~int64](v strict.Value, of Amounts[T]) Spread[T] {
	usual := Spread[T]{Law: "constant", Mean: of.Or}
	switch {
	case !v.Present():
		return usual
	case v.IsText():
		usual.Mean = of.Read(v, of.Or, 0, of.Most)
		return usual
	case !v.IsMap():
		v.Wrong("is no amount and no law", of.Example)
		return usual
	case !v.Fields(of.laws()...):
		return usual
	}
	entries := v.Entries("")
	if len(entries) != 1 {
		v.Wrong("is to be one law", of.Example)
		return usual
	}
	return of.law(entries[0].Key, entries[0].Value)
}

func (of Amounts[T]) law(name string, v strict.Value) Spread[T] {
	d := Spread[T]{Law: name}
	switch name {
	case "lognormal":
		d.Median, d.P99 = of.pair(v, "median", "p99")
		if d.P99 > 1000*d.Median {
			v.Wrong("the p99 is more than 1000 times the median", "a narrower law")
		}
	case "uniform":
		d.Low, d.High = of.pair(v, "from", "to")
	case "pareto":
		d.Low, d.High = of.pair(v, "from", "to", "shape")
		d.Shape = 1.5
		if v.IsMap() && v.Get("shape").Need("shape: 1.5; the lower, the heavier the tail") {
			d.Shape = v.Get("shape").Number(d.Shape, .1, 10)
		}
	default:
		d.Mean = of.Read(v, of.Or, 0, of.Most)
	}
	return d
}

// pair reads two amounts of which the second is not the smaller, from a map
// that may have others.
func (of Amounts[T]) pair(v strict.Value, low, high string, others ...string) (a, b T) {
	if !v.Fields(append([]string{low, high}, others...)...) {
		return of.Or, of.Or
	}
	for _, field := range []string{low, high} {
		v.Get(field).Need(field + ": " + of.Write(5*of.Or))
	}
	a = of.Read(v.Get(low), of.Or, of.Least, of.Most)
	b = of.Read(v.Get(high), a, of.Least, of.Most)
	if b < a {
		v.Get(high).Wrong(fmt.Sprintf("is below %s", low), "at least "+of.Write(a))
	}
	return a, b
}
