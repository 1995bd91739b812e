package scenarios

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"trafficlab/topologies/strict"
)

// KeyLaw is one way to draw a key of a path. All take the number of keys first.
type KeyLaw struct {
	About   string // in a line
	Example string

	more    int                                        // how many words follow the number of keys
	right   string                                     // what they are to be
	read    func(words []string, t *Template) bool     // whether they are so; nil: there are none
	weights func(t *Template, key int) (share float64) // nil: all alike
}

// KeyLaws is the registry: every word that may begin a drawn key.
var KeyLaws = map[string]KeyLaw{
	"uniform": {
		About:   "one of so many keys, all asked for alike",
		Example: "{uniform 1000}",
		right:   "a number of keys alone",
	},
	"zipf": {
		About:   "one of so many keys, whose shares fall as their ranks to the power of the skew",
		Example: "{zipf 1000 1.1}",
		more:    1, right: "a number of keys and a skew from 0 to 10",
		read: func(words []string, t *Template) bool {
			t.Skew = number(words[0])
			return t.Skew <= 10
		},
		weights: func(t *Template, key int) float64 { return math.Pow(float64(key), -t.Skew) },
	},
	"hotspot": {
		About:   "one of so many keys, of which so many hot ones get a share of the requests between them; the others divide the rest",
		Example: "{hotspot 1000 10 90%}",
		more:    2, right: "a number of keys, how many of them are hot (but not all), and their share of the requests",
		read: func(words []string, t *Template) bool {
			share, err := strict.ParseShare(words[1])
			t.Hot, t.HotShare = int(number(words[0])), share
			return strconv.Itoa(t.Hot) == words[0] && 0 < t.Hot && t.Hot < t.Keys && err == nil && share <= 1
		},
		weights: func(t *Template, key int) float64 {
			if key <= t.Hot {
				return t.HotShare / float64(t.Hot)
			}
			return (1 - t.HotShare) / float64(t.Keys-t.Hot)
		},
	},
}

// KeyLawNames lists the registry.
func KeyLawNames() []string { return slices.Sorted(maps.Keys(KeyLaws)) }

// number reads digits, with a point or without; all else is out of all ranges.
func number(word string) float64 {
	n, err := strict.ParseNumber(word)
	if err != nil {
		return math.Inf(1)
	}
	return n
}

// readKeys reads what stands in the braces.
func (t *Template) readKeys(v strict.Value, text string) {
	words := strings.Fields(text)
	t.Law, words = words[0], words[1:]
	law, known := KeyLaws[t.Law]
	if !known {
		v.Wrong(fmt.Sprintf("unknown law %q", t.Law), strict.Suggest(t.Law, "the laws are", KeyLawNames()))
		return
	}
	t.Keys, _ = strconv.Atoi(words[0])
	switch {
	case t.Keys < 1 || t.Keys > maxKeys || strconv.Itoa(t.Keys) != words[0]:
		v.Wrong(words[0]+" keys are out of range", fmt.Sprintf("from 1 to %d", maxKeys))
	case len(words) != 1+law.more || law.read != nil && !law.read(words[1:], t):
		v.Wrong(t.Law+" takes "+law.right, law.Example)
	}
}

// String is the template as it is written in a file.
func (t Template) String() string {
	switch t.Law {
	case "":
		return t.Before
	case "hotspot":
		return fmt.Sprintf("%s{hotspot %d %d %s}%s", t.Before, t.Keys, t.Hot, strict.Share(t.HotShare), t.After)
	case "zipf":
		return fmt.Sprintf("%s{zipf %d %g}%s", t.Before, t.Keys, t.Skew, t.After)
	}
	return fmt.Sprintf("%s{%s %d}%s", t.Before, t.Law, t.Keys, t.After)
}

// alias is the law of the keys 0…n-1; nil if all are alike.
func (t *Template) alias() alias {
	weigh := KeyLaws[t.Law].weights
	if weigh == nil {
		return nil
	}
	weights := make([]float64, t.Keys)
	for i := range weights {
		weights[i] = weigh(t, i+1)
	}
	return newAlias(weights)
}
