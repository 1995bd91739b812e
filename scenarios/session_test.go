package scenarios

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const shopping = `poisson: 20/s, for: 100s, session: {think: {exponential: 1s}, clients: 50, key: alice, script: [
  {post: /login, body: {uniform: {from: 1KiB, to: 3KiB}}, class: logins}, {mix: [{get: "/products/{zipf 100 1.1}", share: 80%}, {get: /cart}], repeat: {pareto: {from: 1, to: 200, shape: 1.2}}}, {delete: /login, repeat: 2}]}}` + "\n#"

// sessions plays every session of a stream, each of whose requests takes a time.
func sessions(seed uint64, takes time.Duration, streams ...Stream) (all [][]Arrival) {
	for _, a := range arrivals(seed, streams...) {
		session := []Arrival{a}
		for then := a.Then; then != nil; {
			next, more := then.Next(session[len(session)-1].At + takes)
			if !more {
				break
			}
			session = append(session, next)
		}
		session[0].Then = nil
		all = append(all, session)
	}
	return all
}

// TestSessionsFollowTheirScript: each step in turn, by one client, each request
// after the outcome of the one before.
func TestSessionsFollowTheirScript(t *testing.T) {
	const takes = 20 * ms
	stream := shaped(t, shopping)
	numbers := map[uint64]bool{}
	played := sessions(3, takes, stream, thinkers(4, "constant"))
	require.InDelta(t, 2000, len(played), 5*math.Sqrt(2000))
	carts, products := 0., 0.
	for n, session := range played {
		who := session[0].Client
		for i, a := range session {
			require.Equal(t, who, a.Client)
			require.Equal(t, HeaderField{"X-Api-Key", "alice"}, a.Header[0])
			require.False(t, numbers[a.Number])
			numbers[a.Number] = true
			client, waited := ClientOf(a.Number)
			require.Equal(t, i > 0, waited)
			if waited {
				require.Equal(t, 4+n, client, "closed streams' clients come first")
				require.Greater(t, a.At, session[i-1].At+takes)
			}
			require.Less(t, a.At, 100*second)
		}
		require.Equal(t, []any{"POST", "logins", true}, []any{session[0].Method, session[0].Class, session[0].Body > 0})
		for _, a := range session[1:] {
			switch a.Path {
			case "/login":
				require.Equal(t, "DELETE", a.Method)
			case "/cart":
				carts++
			default:
				products++
			}
		}
		last := session[len(session)-1]
		if last.At < 80*second { // not broken off
			require.Equal(t, []string{"DELETE", "DELETE"}, []string{session[len(session)-2].Method, last.Method})
			require.NotEqual(t, "DELETE", session[len(session)-3].Method)
		}
	}
	require.InDelta(t, .8, products/(products+carts), .02)
	require.Equal(t, played, sessions(3, takes, stream, thinkers(4, "constant")), "the same seed, the same sessions")
}

// TestSessionsKeepTheirMinds: what is asked for, and for how long is thought, has
// nothing to do with how long answers take, nor with what else comes.
func TestSessionsKeepTheirMinds(t *testing.T) {
	stream := shaped(t, shopping)
	fast, slow := sessions(5, 0, stream), sessions(5, 300*ms, stream, Stream{Rate: flat(9, second), Mix: ask("/")})
	slow = slices.DeleteFunc(slow, func(s []Arrival) bool { return s[0].Path == "/" })
	for n, session := range slow {
		for i, a := range session {
			quick := fast[n][i]
			require.Equal(t, quick.At+time.Duration(i)*300*ms, a.At)
			require.Equal(t, []any{quick.Path, quick.Method, quick.Body, quick.Client}, []any{a.Path, a.Method, a.Body, a.Client})
		}
	}
}

// TestLengthsOfSessionsFollowTheirLaw, and are what is expected.
func TestLengthsOfSessionsFollowTheirLaw(t *testing.T) {
	for law, beyond := range map[string]func(n float64) float64{
		"{geometric: 5}": func(n float64) float64 { return math.Pow(.8, n) },
		"{pareto: {from: 1, to: 1000, shape: 1.2}}": func(n float64) float64 {
			return (math.Pow(n+.5, -1.2) - math.Pow(1000, -1.2)) / (1 - math.Pow(1000, -1.2))
		},
		"3":                           func(n float64) float64 { return map[bool]float64{true: 1}[n < 3] },
		"{uniform: {from: 1, to: 9}}": func(n float64) float64 { return min(1, max(0, (8.5-n)/8)) },
	} {
		stream := shaped(t, "constant: 200/s, for: 100s, session: {think: 0, script: [{get: /, repeat: "+law+"}]}}\n#")
		played := sessions(1, 0, stream)
		total, counts := 0., map[float64]float64{}
		for _, session := range played {
			total += float64(len(session))
			for n := range session {
				counts[float64(n)]++
			}
		}
		n := float64(len(played))
		for _, length := range []float64{1, 2, 5, 20} {
			require.InDelta(t, beyond(length), counts[length]/n, 5/math.Sqrt(n)+1e-3, "%s: more than %g", law, length)
		}
		v := Variant{Load: Load{[]Stream{stream}}}
		require.InEpsilon(t, v.Estimate(0, 100*second, ""), total, .1, law)
		require.InEpsilon(t, 2*v.Estimate(0, 100*second, ""), v.Load.Scaled(2).Expected(0, 100*second, ""), 1e-9)
		require.False(t, v.Steady())
		c := Case{Variant: v}
		require.InEpsilon(t, 250, c.Target(5000), .01, "those that came, and what followed")
	}
}

func TestWordsOfSessions(t *testing.T) {
	require.Equal(t, "sessions: Poisson arrivals, 20/s for 1m40s: POST /login with 2KiB on average, then "+
		"3.88 times on average 80% GET /products/{zipf 100 1.1} or 20% GET /cart, then 2 times DELETE /login, thinking for 1s on average in between",
		shaped(t, shopping).Words())
}
