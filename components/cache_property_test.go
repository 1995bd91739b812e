package components

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
)

// editions is an origin whose one answer changes now and then: by itself, and
// by writes. The lab's lock guards it.
type editions struct {
	*lab
	random  *rand.Rand
	since   []time.Duration // when each became the current one
	written int             // the first that the latest write lets stand
	control string
	date    bool // it is validated by its date, else by its tag
	fails   bool
}

func (o *editions) answer(h Hop) answer {
	if h.Request.Method == "DELETE" {
		o.since = append(o.since, o.now())
		o.written = len(o.since) - 1
		return status(204)
	}
	after := time.Duration(o.random.IntN(200)) * ms
	if o.fails && o.random.IntN(4) == 0 {
		return []answer{status(503), fails(policy.Reset, after)}[o.random.IntN(2)]
	}
	current := len(o.since) - 1
	name, value, asked := "ETag", fmt.Sprintf(`"%d"`, current), h.Request.Header.Get("If-None-Match")
	if o.date {
		name, value, asked = "Last-Modified", on(time.Duration(current)*time.Second), h.Request.Header.Get("If-Modified-Since")
	}
	a := fine("Cache-Control", o.control, name, value, "X-Edition", strconv.Itoa(current))
	if asked == value {
		a.Status, a.Body = 304, Body{}
	}
	return a.in(after)
}

// change makes another edition the current one.
func (o *editions) change() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.since = append(o.since, o.now())
}

// standing is the first edition that may be given to who asks now.
func (o *editions) standing() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.written
}

// until is when an edition ceased to be the current one.
func (o *editions) until(edition int) time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	if edition == len(o.since)-1 {
		return Forever
	}
	return o.since[edition+1]
}

// TestNoAnswerIsOlderThanItMayBe plays requests at random against an origin
// whose answer changes. Whatever the cache made of them: who is answered gets
// an edition that was the current one within the lifetime (and the grace)
// before, and none from before the latest write that ended before it asked.
func TestNoAnswerIsOlderThanItMayBe(t *testing.T) {
	const slack = 200 * ms // on the way from the origin
	for name, tt := range map[string]struct {
		control string
		oldest  time.Duration
	}{
		"fresh":          {"max-age=2", 2 * time.Second},
		"must":           {"max-age=2, must-revalidate", 2 * time.Second},
		"renewed":        {"max-age=2, stale-while-revalidate=3", 5 * time.Second},
		"if error":       {"max-age=1, stale-if-error=5", 6 * time.Second},
		"always asked":   {"no-cache", 0},
		"asked at once":  {"max-age=0", 0},
		"not for anyone": {"private", 0},
	} {
		t.Run(name, func(t *testing.T) {
			words := map[string]int{}
			for seed := range uint64(40) {
				random := rand.New(rand.NewPCG(seed, 5))
				proxyLab(t, caching(seed%2 == 0), func(l *lab) {
					o := &editions{lab: l, random: rand.New(rand.NewPCG(seed, 6)), since: []time.Duration{0}, control: tt.control, date: seed%4 < 2, fails: seed%3 == 0}
					l.everywhere(o.answer)
					for range 100 {
						time.Sleep(time.Duration(random.IntN(700)) * ms)
						switch random.IntN(8) {
						case 0:
							o.change()
							continue
						case 1:
							l.do("DELETE", "/a")
							continue
						}
						method := []string{"GET", "GET", "GET", "HEAD"}[random.IntN(4)]
						asked, written := l.now(), o.standing()
						out := l.ask(method, "/a", [][]string{nil, nil, {"Range: bytes=0-9"}, {"Cache-Control: no-cache"}}[random.IntN(4)]...)
						words[xCache(out)]++
						edition, err := strconv.Atoi(out.Header.Get("X-Edition"))
						if err != nil { // a failure
							require.GreaterOrEqual(t, out.Status, 500)
							continue
						}
						require.GreaterOrEqual(t, o.until(edition), asked-tt.oldest-slack, "seed %d: edition %d, %s", seed, edition, xCache(out))
						require.GreaterOrEqual(t, edition, written, "seed %d: %s", seed, xCache(out))
					}
					time.Sleep(time.Second)
					synctest.Wait()
					require.Empty(t, l.component.server.(*proxy).store.under.byKey)
				})
			}
			t.Log(words)
			if tt.control != "private" {
				require.Positive(t, words["revalidated"], "nothing was validated")
			}
		})
	}
}
