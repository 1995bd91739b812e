package components

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseDirectives(t *testing.T) {
	const none = time.Duration(-1)
	for value, want := range map[string]directives{
		"":                             {maxAge: none, sharedMaxAge: none, minFresh: none},
		", ,;=,":                       {maxAge: none, sharedMaxAge: none, minFresh: none},
		"no-store":                     {noStore: true, maxAge: none, sharedMaxAge: none, minFresh: none},
		"Max-Age=60":                   {maxAge: time.Minute, sharedMaxAge: none, minFresh: none},
		` max-age = "60" , Public`:     {public: true, maxAge: time.Minute, sharedMaxAge: none, minFresh: none},
		"max-age":                      {maxAge: 0, sharedMaxAge: none, minFresh: none},
		"max-age=-1":                   {maxAge: 0, sharedMaxAge: none, minFresh: none},
		"max-age=1.5":                  {maxAge: 0, sharedMaxAge: none, minFresh: none},
		"max-age=9, max-age=5":         {maxAge: 9 * time.Second, sharedMaxAge: none, minFresh: none},
		"s-maxage=5,max-age=9":         {maxAge: 9 * time.Second, sharedMaxAge: 5 * time.Second, minFresh: none},
		"max-age=99999999999999999999": {maxAge: 1 << 31 * time.Second, sharedMaxAge: none, minFresh: none},
		`ext="a, no-store", private`:   {private: true, maxAge: none, sharedMaxAge: none, minFresh: none},
		`ext="a\", no-store", private`: {private: true, maxAge: none, sharedMaxAge: none, minFresh: none},
		`no-cache="Set-Cookie, X-A"`:   {apart: "Set-Cookie, X-A", maxAge: none, sharedMaxAge: none, minFresh: none},
		"proxy-revalidate,no-transform,only-if-cached,min-fresh=3": {
			mustRevalidate: true, noTransform: true, onlyIfCached: true, maxAge: none, sharedMaxAge: none, minFresh: 3 * time.Second},
		"stale-while-revalidate=30, Stale-If-Error=60, stale-if-error=50": {
			maxAge: none, sharedMaxAge: none, minFresh: none, staleWhileRevalidate: 30 * time.Second, staleIfError: 60 * time.Second},
	} {
		want.maxStale = none
		if !strings.Contains(value, "stale") {
			want.staleWhileRevalidate, want.staleIfError = none, none
		}
		require.Equal(t, want, parseDirectives(value), value)
	}
}

// FuzzParseDirectives: nothing panics; durations stay within bounds; and
// whatever stands before it, a last no-store outside quotes is seen.
func FuzzParseDirectives(f *testing.F) {
	for _, seed := range []string{"", "max-age=60", `a="b,c\"", private`, "max-age=99999999999999999999", `"`, `\`, "=,=,=\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		d := parseDirectives(value)
		for _, age := range []time.Duration{d.maxAge, d.sharedMaxAge, d.minFresh, d.staleWhileRevalidate, d.staleIfError} {
			require.GreaterOrEqual(t, age, time.Duration(-1))
			require.LessOrEqual(t, age, 1<<31*time.Second)
		}
		require.True(t, parseDirectives("no-store,"+value).noStore)
		var rebuilt string
		for rest := value; rest != ""; {
			var item string
			item, rest = cutItem(rest)
			rebuilt += item
			if rest != "" {
				rebuilt += ","
			}
		}
		require.Contains(t, []string{rebuilt, rebuilt + ","}, value, "items are the list, cut at commas")
	})
}
