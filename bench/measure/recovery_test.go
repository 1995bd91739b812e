package measure

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
)

const second = time.Second

// ailingRun is 20 s of 100 requests a second, answered in 10 ms, of which a
// third goes to api[0]: it is gone from 5 s to 10 s.
func ailingRun(befalls func(s *Sample), sent func(tick int) uint32) *Run {
	run := &Run{Variant: "a", World: "sim", Warmup: second, Duration: 20 * second,
		Faults: []Fault{{Name: "crash", From: 5 * second, To: 10 * second, Places: []string{"api[0]"}}}}
	lb := NodeUse{Place: "lb", Kind: "load-balancer", Requests: 1900, Sent: map[string]Series{"api[0]": make(Series, 200)}}
	for tick := range 200 {
		lb.Received = append(lb.Received, 30)
		lb.Sent["api[0]"][tick] = 10
		if sent != nil {
			lb.Sent["api[0]"][tick] = sent(tick)
		}
	}
	for n := range 2000 {
		s := Sample{Number: uint64(n), At: time.Duration(n) * 10 * ms, Latency: 10 * ms}
		if befalls != nil {
			befalls(&s)
		}
		run.Samples = append(run.Samples, s)
	}
	run.Nodes = []NodeUse{lb}
	return run
}

func meanwhile(at, from, to time.Duration) bool { return from <= at && at < to }

func TestWhatClientsFeltOfAFault(t *testing.T) {
	failing := func(from, to time.Duration) func(*Sample) {
		return func(s *Sample) {
			if meanwhile(s.At, from, to) {
				s.Reason = policy.Refused
			}
		}
	}
	for name, c := range map[string]struct {
		befalls func(*Sample)
		lost    float64
		back    float64
		verdict string
	}{
		"nothing":                   {nil, 0, 0, "recovered at once when the fault was gone"},
		"failures while it lasts":   {failing(5*second, 10*second), 500, 0, "recovered at once when the fault was gone"},
		"and for a while after":     {failing(5*second, 13*second), 800, 3, "recovered 3 s after the fault was gone"},
		"and to the end":            {failing(5*second, 20*second), 1500, never, "had not recovered 10 s after the fault was gone, when the load ended"},
		"those under way are lost":  {failing(4990*ms, 10*second), 501, 0, "recovered at once when the fault was gone"},
		"too slow is not as before": {func(s *Sample) { s.Latency += time.Duration(one(meanwhile(s.At, 5*second, 12*second))) * 11 * ms }, 0, 2, "recovered 2 s after the fault was gone"},
		"twice as slow is":          {func(s *Sample) { s.Latency += time.Duration(one(s.At >= 5*second)) * 10 * ms }, 0, 0, "recovered at once when the fault was gone"},
		"refusals are no failures": {func(s *Sample) {
			s.Reason = []policy.Reason{policy.OK, policy.Limited}[one(meanwhile(s.At, 6*second, 9*second))]
		}, 0, 0, "recovered at once when the fault was gone"},
		"a tenth always fails": {func(s *Sample) { s.Reason = []policy.Reason{policy.OK, policy.Failed}[one(s.Number%10 == 0)] }, 0, 0, "recovered at once when the fault was gone"},
		"two tenths, then one again": {func(s *Sample) {
			s.Reason = []policy.Reason{policy.OK, policy.Failed}[one(s.Number%10 == 0 || s.Number%10 == 5 && meanwhile(s.At, 5*second, 11*second))]
		}, 60, 1, "recovered 1 s after the fault was gone"},
	} {
		t.Run(name, func(t *testing.T) {
			tally := counted(ailingRun(c.befalls, nil))
			require.InDelta(t, c.lost, tally.figures[Metric{Name: "lost"}], 1e-9)
			require.InDelta(t, c.back, tally.figures[Metric{Name: "recovery"}], 1e-9)
			require.Equal(t, c.verdict, verdict([]*Tally{tally}))
		})
	}
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestWhatCallersMadeOfAFault(t *testing.T) {
	for name, c := range map[string]struct {
		sent                      func(tick int) uint32
		noticed, last, idle, herd float64
	}{
		"never noticed":             {nil, never, 5, 0, 1},
		"noticed after a second":    {func(i int) uint32 { return 10 * uint32(one(i < 60 || i >= 100)) }, 1, 1, 0, 1},
		"asked now and then":        {func(i int) uint32 { return 10*uint32(one(i < 60 || i >= 100)) + uint32(one(i == 80)) }, 1, 3.1, 0, 1},
		"trusted late":              {func(i int) uint32 { return 10 * uint32(one(i < 60 || i >= 125)) }, 1, 1, 2.5, 1},
		"trusted never more":        {func(i int) uint32 { return 10 * uint32(one(i < 60)) }, 1, 1, never, 0},
		"a herd comes":              {func(i int) uint32 { return 10 * uint32(one(i < 60 || i >= 125)+2*one(i >= 125 && i < 130)) }, 1, 1, 2.5, 3},
		"shunned by no more than 9": {func(i int) uint32 { return 10 - 8*uint32(one(i >= 60 && i < 100)) }, never, 5, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			tally := counted(ailingRun(nil, c.sent))
			for metric, want := range map[string]float64{"detection": c.noticed, "last-use": c.last, "idle": c.idle, "herd": c.herd} {
				require.InDelta(t, want, tally.figures[Metric{Name: metric}], 1e-9, metric)
			}
		})
	}
}

// Where the load before is too little to tell, or nothing goes wrong, or it
// goes on to the end, nothing is told.
func TestWhatCannotBeToldOfAFault(t *testing.T) {
	early := ailingRun(nil, nil)
	early.Faults[0].From = early.Warmup
	calm := ailingRun(nil, nil)
	calm.Faults = nil
	long := ailingRun(nil, nil)
	long.Faults[0].To = time.Hour
	entry := ailingRun(nil, nil)
	entry.Nodes[0].Sent = nil
	for name, c := range map[string]struct {
		run  *Run
		none []string
	}{
		"as soon as the warm-up is over": {early, []string{"lost", "recovery", "detection", "herd"}},
		"no fault":                       {calm, []string{"lost", "recovery", "detection", "last-use", "idle", "herd"}},
		"to the end":                     {long, []string{"recovery", "idle", "herd"}},
		"nobody asks the place":          {entry, []string{"detection", "last-use", "idle", "herd"}},
	} {
		tally := counted(c.run)
		for _, metric := range c.none {
			_, told := tally.Figure(Metric{Name: metric})
			require.False(t, told, "%s: %s", name, metric)
		}
	}
	require.Empty(t, verdict([]*Tally{counted(long)}))
}

// Of two faults the second may come before all is well: they are one then.
func TestFaultsThatMeet(t *testing.T) {
	run := ailingRun(func(s *Sample) {
		if meanwhile(s.At, 5*second, 15*second) {
			s.Reason = policy.Failed
		}
	}, nil)
	run.Faults = append(run.Faults, Fault{Name: "crash", From: 11 * second, To: 12 * second, Places: []string{"api[1]"}})
	tally := counted(run)
	require.InDelta(t, 1000, tally.figures[Metric{Name: "lost"}], 1e-9)
	require.InDelta(t, 3, tally.figures[Metric{Name: "recovery"}], 1e-9)
}

// A fault that comes to one place after another is told of each by its own
// time.
func TestFaultsThatComeOneAfterAnother(t *testing.T) {
	f := Fault{From: 5 * second, To: 9 * second, Places: []string{"a", "b", "c"}, Stagger: second}
	for n, want := range [][2]time.Duration{{5 * second, 7 * second}, {6 * second, 8 * second}, {7 * second, 9 * second}} {
		from, to := f.at(n)
		require.Equal(t, want, [2]time.Duration{from, to})
	}
}

func TestVerdictOverRepetitions(t *testing.T) {
	after := func(all ...aftermath) (tallies []*Tally) {
		for _, a := range all {
			tallies = append(tallies, &Tally{after: a})
		}
		return tallies
	}
	require.Equal(t, "recovered 1 s to 3 s after the fault was gone", verdict(after(aftermath{true, true, 3 * second}, aftermath{true, true, second})))
	require.Equal(t, "recovered within 3 s of the fault’s end", verdict(after(aftermath{true, true, 0}, aftermath{true, true, 3 * second})))
	require.Equal(t, "recovered 1 s after the fault was gone in 1 of 2 repetitions, and had not recovered 9 s after the fault was gone, when the load ended in the others",
		verdict(after(aftermath{true, true, second}, aftermath{true, false, 9 * second})))
}

// What never came about fails a bound from above, if it never did in any
// repetition, and is written so.
func TestNever(t *testing.T) {
	m := Metric{Name: "recovery"}
	group := func(values ...float64) (g Group) {
		for i, v := range values {
			g = append(g, &Tally{Run: &Run{Repetition: i}, figures: map[Metric]float64{m: v}})
		}
		return g
	}
	below := Expectation{Metric: m, Less: true, Bound: 5}
	for _, c := range []struct {
		g    Group
		met  Met
		text string
	}{
		{group(1, 1.1, .9), IsMet, "1 s"},
		{group(never, never), NotMet, "never"},
		{group(1, never), Undecided, "never"},
	} {
		check := c.g.judge(below, nil, confidence)
		require.Equal(t, c.met, check.Met)
		require.Equal(t, c.text, check.Figure.Text(m))
	}
	require.Equal(t, Unknowable, Compare(group(1, 1), group(never, never), m, 1)[0].Verdict)
	text, err := json.Marshal(figure(group(never), m))
	require.NoError(t, err, "a result can be stored")
	require.Contains(t, string(text), "1000000000")
}

// The budget is of the highest availability that any variant is expected to
// have, so that what each burnt can be compared.
func TestBudget(t *testing.T) {
	available := Metric{Name: "availability"}
	g := Group{{Run: &Run{Variant: "a"}, figures: map[Metric]float64{available: .98}}}
	q := &Question{}
	g.burn(q)
	require.InDelta(t, 20, g[0].figures[Metric{Name: "budget"}], 1e-9)
	q.Expect = []Expectation{{Variant: "b", Metric: available, Bound: .9}, {Variant: "all", Metric: available, Bound: .99}}
	g.burn(q)
	require.InDelta(t, 2, g[0].figures[Metric{Name: "budget"}], 1e-9)
	q.Expect[0].Bound = .995
	g.burn(q)
	require.InDelta(t, 4, g[0].figures[Metric{Name: "budget"}], 1e-9)
	q.Expect[0].Less = true
	g.burn(q)
	require.InDelta(t, 2, g[0].figures[Metric{Name: "budget"}], 1e-9)
}

func TestEffort(t *testing.T) {
	tally := counted(&Run{Duration: second, Nodes: []NodeUse{
		{Place: "cdn", Requests: 100, Asked: map[string]int64{"lb": 20}},
		{Place: "lb", Requests: 20, Asked: map[string]int64{"api[0]": 30, "api[1]": 20}},
		{Place: "api[0]", Kind: "backend", Requests: 30, Worked: 3 * second, Wasted: second},
		{Place: "api[1]", Kind: "backend", Requests: 20, Worked: second},
	}})
	require.InDelta(t, 2.5, tally.figures[Metric{Name: "amplification"}], 1e-9)
	require.InDelta(t, .25, tally.figures[Metric{Name: "wasted"}], 1e-9)
}
