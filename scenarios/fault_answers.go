package scenarios

import (
	"math"
	"strings"
	"time"

	"trafficlab/topologies"
	"trafficlab/topologies/strict"
)

// Answer is what becomes of the body of an answer on its way out of the place
// that makes it. The zero Answer goes out as it is.
type Answer struct {
	Corrupted   bool  `json:",omitempty"` // some bytes are others than those of its Repr-Digest
	Truncated   bool  `json:",omitempty"` // the connection is lost
	After       int64 `json:",omitempty"` // behind so many bytes of the body; 0: half of it
	Endless     bool  `json:",omitempty"`
	Mislabelled bool  `json:",omitempty"` // a byte more is promised than comes
	Rate        int64 `json:",omitempty"` // bytes a second; 0: as fast as it goes
}

// Also is both of two at once. Of two truncations the first counts, of two rates
// the lower.
func (a Answer) Also(b Answer) Answer {
	if !a.Truncated {
		a.Truncated, a.After = b.Truncated, b.After
	}
	a.Corrupted = a.Corrupted || b.Corrupted
	a.Endless = a.Endless || b.Endless
	a.Mislabelled = a.Mislabelled || b.Mislabelled
	if a.Rate == 0 || b.Rate > 0 && b.Rate < a.Rate {
		a.Rate = b.Rate
	}
	return a
}

// Course is how a body takes to the wire.
type Course struct {
	Said int64 // length that the head tells; -1: none
	Sent int64 // bytes that come
	Rate int64 // a second; 0: at once
	Cut  bool  // the connection is lost behind them
	Hung bool  // nothing comes behind them, and the connection stands
}

// Endless bodies flow at a rate that many of them at once can keep up.
const endlessRate = 64 << 10

// Course is that of a body of so many bytes.
func (a Answer) Course(size int64) Course {
	c := Course{Said: size, Sent: size, Rate: a.Rate}
	if a.Mislabelled {
		c.Said, c.Hung = size+1, true
	}
	if a.Endless {
		c.Said, c.Sent, c.Hung = -1, math.MaxInt64, true
		if c.Rate == 0 {
			c.Rate = endlessRate
		}
	}
	cut := a.After
	if cut == 0 {
		cut = size / 2
	}
	if a.Truncated && cut < c.Sent {
		c.Sent, c.Cut, c.Hung = cut, true, false
	}
	return c
}

// Lasts is how long the body is on its way; ForGood for one that hangs.
func (c Course) Lasts() time.Duration {
	switch {
	case c.Hung:
		return ForGood
	case c.Rate == 0:
		return 0
	}
	return time.Duration(float64(c.Sent) / float64(c.Rate) * float64(time.Second))
}

// answerWords are what answers may be, and how they are so with nothing else
// said.
var answerWords = []struct {
	word string
	Answer
}{
	{"corrupted", Answer{Corrupted: true}},
	{"truncated", Answer{Truncated: true}},
	{"endless", Answer{Endless: true}},
	{"mislabelled", Answer{Mislabelled: true}},
	{"trickling", Answer{Rate: 1000}},
}

var answers = FaultKind{
	About: "bodies of answers come corrupted, truncated (and the connection is lost), endless, " +
		"mislabelled (a byte more is promised than comes) or trickling (so many bytes per-second); what a proxy " +
		"puts up with is told by its own field answers: list policies",
	Example: "{are: truncated, after: 100B, share: 10%}",
	graded:  true,
	read: func(v strict.Value, f *Fault) {
		if v.IsText() {
			f.Rule = Rule{Share: 1, Answer: answerOf(v)}
			return
		}
		f.Rule = rule(v, "are", "after", "per-second")
		if !v.IsMap() || !v.Get("are").Need("are: corrupted") {
			return
		}
		a := answerOf(v.Get("are"))
		if at := v.Get("after"); at.Present() && !a.Truncated {
			at.WrongKey("says where answers are truncated", "are: truncated")
		}
		if at := v.Get("per-second"); at.Present() && a.Rate == 0 && !a.Endless {
			at.WrongKey("says how fast answers come", "are: trickling, or are: endless")
		}
		a.After = v.Get("after").Size(0, 1, 1<<40)
		a.Rate = v.Get("per-second").Size(a.Rate, 1, 1<<30)
		f.Rule.Answer = a
	},
	is: func(f *Fault) bool { return f.Rule.Answer != Answer{} },
	fits: func(n *topologies.Node) (wrong, right string) {
		if n.Kind.Proxies() {
			return "makes no answers of its own that could be ill", "a backend"
		}
		return "", ""
	},
	lay:  layRule,
	word: func(f *Fault) string { return f.Rule.Answer.String() + " answers" + f.Rule.some() },
}

// answerOf reads a word.
func answerOf(v strict.Value) Answer {
	var words []string
	for _, w := range answerWords {
		words = append(words, w.word)
	}
	said := v.Word("", words...)
	for _, w := range answerWords {
		if w.word == said {
			return w.Answer
		}
	}
	return Answer{}
}

// String is the words for what is the matter.
func (a Answer) String() string {
	var words []string
	for i, is := range []bool{a.Corrupted, a.Truncated, a.Endless, a.Mislabelled, a.Rate > 0 && !a.Endless} {
		if is {
			words = append(words, answerWords[i].word)
		}
	}
	return strings.Join(words, ", ")
}
