package scenarios

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/topologies"
	"trafficlab/topologies/strict"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Each file of testdata holds mistakes of a class; beside it stands what is
// said about them.
func TestMistakes(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			_, err := Open(file, Options{})
			require.IsType(t, strict.Problems{}, err)
			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(err.Error()+"\n"), 0o644))
			}
			want, readErr := os.ReadFile(golden)
			require.NoError(t, readErr)
			require.Equal(t, string(want), err.Error()+"\n")
		})
	}
}

// base is a sound scenario to vary.
const base = `
name: base
question: what?
topology: lb
load: {poisson: 100/s, for: 10s, mix: [{get: /products/1}]}
`

func read(t *testing.T, text string, o Options) *Scenario {
	t.Helper()
	s, err := parse("f", "", []byte(text), o)
	require.NoError(t, err)
	return s
}

func TestDefaults(t *testing.T) {
	s := read(t, base, Options{})
	require.Equal(t, "lb", s.Baseline)
	require.Equal(t, measure.Metric{Name: "p99"}, s.JudgeBy)
	require.Equal(t, 5, s.Repeat)
	require.EqualValues(t, 1, s.Seed)
	require.Len(t, s.Variants, 1)
	v := s.Variants[0]
	require.Equal(t, []time.Duration{time.Second, 5 * time.Second, 5 * time.Second}, []time.Duration{v.Warmup, v.Timeout, v.Deadline})
	require.Empty(t, v.Faults)
	require.Equal(t, []Ask{{Share: 1, Method: "GET", Path: Template{Before: "/products/1"}, Clients: 100}}, v.Load.Streams[0].Mix)
	short := read(t, strings.Replace(base, "10s", "2s", 1), Options{})
	require.Equal(t, 400*time.Millisecond, short.Variants[0].Warmup, "a short load has a short warm-up")
}

func TestFormsOfLoad(t *testing.T) {
	s := time.Second
	for text, want := range map[string]Stream{
		"{poisson: 300/s, for: 2s, M}":                                  {Poisson: true, Rate: flat(300, 2*s)},
		"{constant: 60/m, for: 2s, at: 1s, M}":                          {At: s, Rate: flat(1, 2*s)},
		"{ramp: {from: 10/s, to: 20/s}, for: 2s, M}":                    {Poisson: true, Rate: []Leg{{From: 10, To: 20, For: 2 * s}}},
		"{ramp: {to: 20/s}, for: 2s, spacing: even, M}":                 {Rate: []Leg{{To: 20, For: 2 * s}}},
		"{steps: [{rate: 1/s, for: 2s}, {rate: 0/s, for: 1s}], M}":      {Poisson: true, Rate: []Leg{{From: 1, To: 1, For: 2 * s}, {For: s}}},
		"[{steps: [{rate: 1/s, for: 2s}], spacing: even, M}]":           {Rate: flat(1, 2*s)},
		"{steps: [{rate: 1/s, for: 2s}], spacing: poisson, at: 0, M}":   {Poisson: true, Rate: flat(1, 2*s)},
		"{closed: {clients: 20, think: {exponential: 1s}}, for: 2s, M}": {Closed: &Closed{20, topologies.Distribution{Law: "exponential", Mean: s}, 2 * s}},
		"{closed: {clients: 1, think: 0}, at: 1s, for: 2s, M}":          {At: s, Closed: &Closed{1, topologies.Distribution{Law: "constant"}, 2 * s}},
	} {
		text = strings.Replace(text, "M}", "mix: [{delete: /x}]}", 1)
		got := read(t, "name: x\nquestion: x\ntopology: lb\nload: "+text+"\n", Options{}).Variants[0].Load
		want.Mix = []Ask{{Share: 1, Method: "DELETE", Path: Template{Before: "/x"}, Clients: 100}}
		require.Equal(t, Load{[]Stream{want}}, got, text)
	}
}

func TestMix(t *testing.T) {
	mix := `[{get: "/p/{zipf 1000 1.1}?a=b", share: 60%, key: alice, clients: 5, refused: true}, {post: /orders, body: 1KiB, key: bob, class: buyers, headers: {x-a: b}}, {get: "/{uniform 7}", refused: true}]`
	text := strings.Replace(base, "[{get: /products/1}]", mix, 1)
	want := []Ask{
		{Share: 0.6, Method: "GET", Path: Template{Before: "/p/", After: "?a=b", Law: "zipf", Keys: 1000, Skew: 1.1}, Header: []HeaderField{{"X-Api-Key", "k-alice-1"}}, Class: "alice", Clients: 5},
		{Share: 0.2, Method: "POST", Path: Template{Before: "/orders"}, Body: 1024, Header: []HeaderField{{"X-Api-Key", "k-bob-1"}, {"X-A", "b"}}, Class: "buyers", Clients: 100},
		{Share: 0.2, Method: "GET", Path: Template{Before: "/", Law: "uniform", Keys: 7}, Class: "others", Clients: 100},
	}
	keyed := read(t, strings.Replace(text, "topology: lb", "topology: gateway-lb", 1), Options{})
	require.Equal(t, want, keyed.Variants[0].Load.Streams[0].Mix)
	want[0].Header, want[1].Header[0].Value = []HeaderField{{"X-Api-Key", "alice"}}, "bob"
	keyless := read(t, text, Options{})
	require.Equal(t, want, keyless.Variants[0].Load.Streams[0].Mix, "where no key is asked for, the name is sent")
}

func TestFaultsOnPlaces(t *testing.T) {
	s := read(t, base+`
faults:
  - {at: 1s, for: 2s, on: "api[2]", slow: 5x}
  - {at: 4s, for: 6s, on: [lb, api], crash: true}
  - {at: 1s, for: 2s, on: lb, errors: 30%}
  - {at: 1s, for: 2s, on: lb, freeze: true}
`, Options{})
	sec := time.Second
	require.Equal(t, []Fault{
		{At: sec, For: 2 * sec, On: []topologies.Place{"api[2]"}, Slow: 5},
		{At: 4 * sec, For: 6 * sec, On: []topologies.Place{"lb", "api[0]", "api[1]", "api[2]"}, Crash: true},
		{At: sec, For: 2 * sec, On: []topologies.Place{"lb"}, Rule: Erring(0.3)},
		{At: sec, For: 2 * sec, On: []topologies.Place{"lb"}, Freeze: true},
	}, s.Variants[0].Faults)
}

func TestFaultsOnARedis(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(dir+"/shared.yaml", []byte(`
name: shared
entry: gate
nodes:
  gate: {kind: gateway, limit: {rate: 5/s, shared: {redis: 127.0.0.1:6379}}, to: redis-store}
  redis-store: {kind: backend, service-time: 1ms}
`), 0o600))
	scenario := func(fault string) (*Scenario, error) {
		text := "name: away\nquestion: what?\ntopology: shared.yaml\nload: {constant: 9/s, for: 9s, mix: [{get: /}]}\nfaults: [" + fault + "]\n"
		require.NoError(t, os.WriteFile(dir+"/away.yaml", []byte(text), 0o600))
		return Open(dir+"/away.yaml", Options{})
	}
	s, err := scenario("{at: 1s, for: 2s, on: [redis, gate], freeze: true}")
	require.NoError(t, err)
	require.Equal(t, []Fault{{At: time.Second, For: 2 * time.Second, On: []topologies.Place{topologies.Redis, "gate"}, Freeze: true}}, s.Variants[0].Faults)
	_, err = scenario("{at: 1s, for: 2s, on: redis, slow: 5x}")
	require.ErrorContains(t, err, "faults[0].on: a Redis does nothing here but count (crash: true, or freeze: true)")
	_, err = scenario("{at: 1s, for: 2s, on: reddis, crash: true}")
	require.ErrorContains(t, err, `did you mean "redis"?`)
}

func TestFaultsInTheirLongForms(t *testing.T) {
	s := read(t, base+`
faults:
  - {at: 1s, on: 50% of api, crash: true}
  - {at: 1s, for: 1s, every: 3s, on: api, slow: {factor: 2x, added: 20ms, share: 10%}}
  - {at: 1s, for: 8s, ramp: 2s, stagger: 1s, on: lb, errors: {share: 5%, status: 503, first: 7, checks: fine, methods: [GET, PUT], path: /a*, header: {X-Canary: "yes"}}}
  - {for: 8s, on: lb, delay: 100ms}
  - {for: 8s, on: lb, delay: {by: 100ms, share: 1%}}
`, Options{})
	sec, ms := time.Second, time.Millisecond
	require.Equal(t, []Fault{
		{At: sec, For: ForGood, On: on("api[0]", "api[1]"), Crash: true},
		{At: sec, For: sec, Every: 3 * sec, Times: 3, On: on("api[0]", "api[1]", "api[2]"), Rule: Rule{Share: .1, Factor: 2, Added: 20 * ms}},
		{At: sec, For: 8 * sec, Ramp: 2 * sec, Stagger: sec, On: on("lb"), Rule: Rule{Share: .05, Status: 503, First: 7, Spares: true,
			Of: Match{Methods: []string{"GET", "PUT"}, Path: "/a*", Header: &HeaderField{"X-Canary", "yes"}}}},
		{For: 8 * sec, On: on("lb"), Rule: Rule{Share: 1, Delay: 100 * ms}},
		{For: 8 * sec, On: on("lb"), Rule: Rule{Share: .01, Delay: 100 * ms}},
	}, s.Variants[0].Faults)
	var words []string
	for _, f := range s.Variants[0].Faults {
		words = append(words, f.Word())
	}
	require.Equal(t, []string{"crash", "2× +20ms slow for 10%", "5% errors (first 7, GET, PUT, /a*, X-Canary: yes)", "+100ms delay", "+100ms delay for 1%"}, words)
}

func TestPurgesOfCaches(t *testing.T) {
	s := read(t, `
name: purges
question: what?
topology: cdn
load: {constant: 100/s, for: 5s, mix: [{get: /products/1}]}
faults:
  - {at: 1s, on: cdn, purge: /products/*}
  - {at: 2s, on: cdn, purge: {path: /cart}}
  - {at: 3s, on: cdn, purge: {tag: products}}
`, Options{})
	cdn := []topologies.Place{"cdn"}
	require.Equal(t, []Fault{
		{At: time.Second, On: cdn, Purge: Purge{Path: "/products/*"}},
		{At: 2 * time.Second, On: cdn, Purge: Purge{Path: "/cart"}},
		{At: 3 * time.Second, On: cdn, Purge: Purge{Tag: "products"}},
	}, s.Variants[0].Faults)
}

func TestVariants(t *testing.T) {
	for text, want := range map[string]map[string][]Change{
		"{lb.pick: [round-robin, p2c]}": {
			"round-robin": {{"lb.pick", "round-robin"}}, "p2c": {{"lb.pick", "p2c"}}},
		"{lb.retry.tries: [1, 2], lb.health: [off]}": {
			"tries=1, health=off": {{"lb.retry.tries", "1"}, {"lb.health", "off"}},
			"tries=2, health=off": {{"lb.retry.tries", "2"}, {"lb.health", "off"}}},
		"{topology: [direct, lb]}": {"direct": {{"topology", "direct"}}, "lb": {{"topology", "lb"}}},
		"{api.service-time: [{exponential: 5ms}, 2ms]}": {
			"service-time=exponential 5ms": {{"api.service-time", "{exponential: 5ms}"}},
			"service-time=2ms":             {{"api.service-time", "2ms"}}},
		"{plain: {}, short and fast: {load.for: 3s, api.workers: 9}}": {
			"plain": nil, "short and fast": {{"load.for", "3s"}, {"api.workers", "9"}}},
	} {
		got := map[string][]Change{}
		for _, v := range read(t, base+"compare: "+text+"\n", Options{}).Variants {
			got[v.Name] = v.Changes
		}
		require.Equal(t, want, got, text)
	}
}

func TestAVariantIsSetAndLeavesTheOthersAlone(t *testing.T) {
	s := read(t, base+"compare: {a: {}, b: {load.for: 3s, api.workers: 9, warmup: 0s, lb.retry.tries: 4, topology: lb}, c: {topology: direct}}\n", Options{})
	a, b, c := s.Variants[0], s.Variants[1], s.Variants[2]
	require.Equal(t, []int{4, 9, 8}, []int{a.Topology.Node("api").Workers, b.Topology.Node("api").Workers, c.Topology.Node("api").Workers})
	require.Equal(t, []int{2, 4}, []int{a.Topology.Node("lb").Retry.Tries, b.Topology.Node("lb").Retry.Tries})
	require.Equal(t, []time.Duration{10 * time.Second, 3 * time.Second}, []time.Duration{a.Load.Duration(), b.Load.Duration()})
	require.Zero(t, b.Warmup)
}

func TestWhatIsSetForAllVariants(t *testing.T) {
	const text = base + "set: {lb.retry.tries: 3, api: {kind: backend, workers: 2}, load.for: 4s}\ncompare: {a: {}, b: {api.workers: 9}}\n"
	s := read(t, text, Options{Set: []Change{{"lb.retry.tries", "5"}, {"api.queue", "7"}}})
	for i, workers := range []int{2, 9} {
		v := s.Variants[i]
		api := v.Topology.Node("api")
		require.Equal(t, []int{5, workers, 7}, []int{v.Topology.Node("lb").Retry.Tries, api.Workers, api.Queue}, "the file's, then from outside, then the variant's")
		require.Equal(t, 4*time.Second, v.Load.Duration())
	}
	require.Empty(t, s.Variants[0].Changes)
	require.Equal(t, []Change{{"api.workers", "9"}}, s.Variants[1].Changes, "only what differs")
	for set, want := range map[string]string{
		"{repeat: 3}":    `f:6:7: repeat: is a field of the scenario itself (set changes nodes of the topology, or topology, load, faults, warmup, timeout, deadline)`,
		"{bl.pick: p2c}": `f:6:7: bl.pick: "bl" is neither a node of the topology nor a field of the scenario (did you mean "lb"?)`,
		"{lb.pik: p2c}":  `f:6:7: nodes.lb.pik: unknown field (did you mean "pick"?)`,
		"[lb]":           `f:6:6: set: is a list, not a map (a map of changes: {lb.retry: off, api.workers: 2})`,
	} {
		_, err := parse("f", "", []byte(base+"set: "+set+"\n"), Options{})
		require.IsType(t, strict.Problems{}, err, set)
		require.Equal(t, want, err.(strict.Problems)[0].Head())
	}
	_, err := parse("f", "", []byte(base+"set: {lb.pick: p2c}\ncompare: {lb.pick: [random, p2c]}\n"), Options{})
	require.ErrorContains(t, err, "lb.pick at f:7", "compare would undo it")
}

func TestVariantsOfPoliciesHaveReadableNames(t *testing.T) {
	s := read(t, base+`compare:
  lb.pick: [round-robin, {ring-hash: {vnodes: 100}}, {ring-hash: {vnodes: 100, key: path}}, {maglev: {}}, {p2c-ewma: {decay: 1s}}]
`, Options{})
	var names []string
	for _, v := range s.Variants {
		names = append(names, v.Name)
	}
	require.Equal(t, []string{"round-robin", "ring-hash vnodes=100", "ring-hash vnodes=100 key=path", "maglev", "p2c-ewma decay=1s"}, names)
	require.Equal(t, 100, s.Variants[2].Topology.Node("lb").Pick.Params.Int("vnodes"))
}

func TestOptions(t *testing.T) {
	seed := uint64(77)
	s := read(t, base+"compare: {topology: [direct, lb]}\n", Options{
		Set:  []Change{{"load.poisson", "50/s"}, {"lb.pick", "p2c"}, {"question", "why?"}},
		Seed: &seed, Repeat: 9,
	})
	require.Equal(t, []any{uint64(77), 9, "why?"}, []any{s.Seed, s.Repeat, s.Question})
	require.Equal(t, "p2c", s.Variants[1].Topology.Node("lb").Pick.Name, "set where there is such a node")
	require.Equal(t, 50.0, s.Variants[0].Load.Streams[0].Rate[0].From)
	require.Equal(t, 2, read(t, base, Options{Short: true}).Repeat)
	require.Equal(t, 1, read(t, base+"repeat: 1", Options{Short: true}).Repeat)
}

func TestSetsThatCannotBeMade(t *testing.T) {
	for set, want := range map[string]string{
		"bl.pick=p2c":          `--set:1:1: bl.pick: "bl" is neither a node of the topology nor a field of the scenario (did you mean "lb"?)`,
		"lb.pick=p2":           `--set:1:9: nodes.lb.pick: unknown value "p2" (did you mean "p2c"?)`,
		"lb.retyr.tries=2":     `--set:1:1: nodes.lb.retyr: unknown field (did you mean "retry"?)`,
		"api.pick=p2c":         `--set:1:1: nodes.api.pick: not for a node of this kind (a backend hands nothing on: reverse-proxy, cdn, gateway and load-balancer take it)`,
		"load.poison=5/s":      `--set:1:1: load.poison: unknown field (did you mean "poisson"?)`,
		"topology=blb":         `--set:1:10: topology: no topology is named "blb" (did you mean "lb"?; a file is named with its folder or its .yaml)`,
		"lb=":                  `--set:1:4: lb: has no value (path=value)`,
		"load[0].poisson=10/s": `--set:1:1: load[0].poisson: load is a map and has no item 0 (set load itself)`,
	} {
		path, value, _ := strings.Cut(set, "=")
		_, err := parse("f", "", []byte(base), Options{Set: []Change{{path, value}}})
		require.IsType(t, strict.Problems{}, err)
		require.Equal(t, want, err.(strict.Problems)[0].Head())
	}
}

func TestExpectations(t *testing.T) {
	s := read(t, base+`
compare: {lb.pick: [round-robin, p2c]}
expect:
  all: {availability: "> 99%", p99: ["> 1ms", "< 2x baseline"]}
  p2c: {p99: "< baseline", goodput: ">90/s", sim: {p50: "< 0.5x baseline"}, live: {mean: "< 1s"}}
`, Options{})
	p := func(name string) measure.Metric { return measure.Metric{Name: name} }
	require.Equal(t, []measure.Expectation{
		{Variant: "all", Metric: p("availability"), Bound: 0.99, Text: "> 99%"},
		{Variant: "all", Metric: p("p99"), Bound: 0.001, Text: "> 1ms"},
		{Variant: "all", Metric: p("p99"), Less: true, Bound: 2, Relative: true, Text: "< 2x baseline"},
		{Variant: "p2c", Metric: p("p99"), Less: true, Bound: 1, Relative: true, Text: "< baseline"},
		{Variant: "p2c", Metric: p("goodput"), Bound: 90, Text: ">90/s"},
		{Variant: "p2c", Metric: p("p50"), Less: true, Bound: 0.5, Relative: true, World: "sim", Text: "< 0.5x baseline"},
		{Variant: "p2c", Metric: p("mean"), Less: true, Bound: 1, World: "live", Text: "< 1s"},
	}, s.Expect)
}

func TestUnknownScenario(t *testing.T) {
	_, err := Open("crahs", Options{})
	require.EqualError(t, err, `no scenario is named "crahs" (did you mean "crash"?; a file is named with its folder or its .yaml)`)
	_, err = Open("init", Options{})
	require.Error(t, err, "what init writes is no shipped scenario")
}

func TestCases(t *testing.T) {
	s := read(t, base+"compare: {lb.pick: [round-robin, p2c]}\nrepeat: 3\n", Options{})
	cases := s.Cases()
	require.Len(t, cases, 6)
	for i, c := range cases {
		require.Equal(t, i/2, c.Repetition, "repetition by repetition, the variants in turn")
		require.Equal(t, s.Variants[i%2].Name, c.Variant.Name)
		require.Equal(t, Mix(s.Seed, uint64(c.Repetition)), c.Seed)
	}
	require.NotEqual(t, cases[0].Seed, cases[2].Seed)
}

func TestCasesRoundTripThroughJSON(t *testing.T) {
	names := Shipped()
	for i, load := range []string{
		"closed: {clients: 3, think: 1s}, for: 9s, mix: [{get: /}]",
		"bursts: {rate: 9/s, on: 1s, off: {exponential: 1s}}, for: 9s, mix: [{get: '/{hotspot 9 1 50%}'}]",
		"sine: {mean: 9/s, amplitude: 8/s, period: 1s}, for: 9s, mix: [{put: /, body: {pareto: {from: 1KiB, to: 9KiB, shape: 1}}}]",
	} {
		file := filepath.Join(t.TempDir(), fmt.Sprintf("%d.yaml", i))
		text := strings.Replace(base, "poisson: 100/s, for: 10s, mix: [{get: /products/1}]", load, 1) + "compare: {lb.pick: [p2c, random]}\n"
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		names = append(names, file)
	}
	for _, name := range names {
		s, err := Open(name, Options{})
		require.NoError(t, err)
		text, err := json.Marshal(s)
		require.NoError(t, err)
		var back Scenario
		require.NoError(t, json.Unmarshal(text, &back))
		require.Equal(t, s, &back)
		for _, c := range s.Cases()[:2] {
			text, err := json.Marshal(c)
			require.NoError(t, err)
			var back Case
			require.NoError(t, json.Unmarshal(text, &back))
			require.Equal(t, c, back)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range append(Shipped(), "init") {
		data, err := files.ReadFile(name + ".yaml")
		require.NoError(f, err)
		f.Add(string(data), "lb.pick=p2c")
	}
	paths, _ := filepath.Glob("testdata/*.yaml")
	for _, file := range paths {
		data, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(string(data), "load.for=2s")
	}
	f.Fuzz(func(t *testing.T, text, set string) {
		path, value, _ := strings.Cut(set, "=")
		s, err := parse("f", t.TempDir(), []byte(text), Options{Set: []Change{{path, value}}})
		if err == nil { // a sound scenario can be played
			c := s.Cases()[0]
			c.Weather()
			n := 0
			for range c.Arrivals() {
				if n++; n == 100 {
					break
				}
			}
			for i, client := range c.Clients() {
				if a, ok := client.First(); ok && i < 100 {
					client.Next(a.At)
				}
			}
			return
		}
		for _, p := range err.(strict.Problems) {
			require.Positive(t, p.Line)
			require.NotEmpty(t, p.Wrong)
		}
	})
}

func TestNamesAreFitForFiles(t *testing.T) {
	for _, name := range []string{"../../x", "..", ".", "index.html", "plan.json", "-x", "<script>", `"a\nb"`, "Upper", "a b", "a/b", `"a\\b"`, "é", strings.Repeat("x", 65), strings.Repeat("x", 5000)} {
		_, err := parse("f", "", []byte(strings.Replace(base, "name: base", "name: "+name, 1)), Options{})
		require.ErrorContains(t, err, "name: is no name (lower-case letters", name)
		_, err = parse("f", "", []byte(base), Options{Set: []Change{{"name", name}}})
		require.ErrorContains(t, err, "--set:1:6: name: is no name", name)
	}
	for _, name := range []string{"x", "2", "slow-replica", strings.Repeat("x", 64)} {
		require.Equal(t, name, read(t, base, Options{Set: []Change{{"name", name}}}).Name)
	}
}

func TestSetsOfWhatIsCompared(t *testing.T) {
	const product, named = "compare: {lb.pick: [round-robin, p2c], lb.retry: [{tries: 1}]}\n", "compare: {a: {}, b: {lb.pick: p2c}}\n"
	for set, where := range map[string]string{"lb.pick=random": "lb.pick at f:6", "lb.pick=bogus": "lb.pick at f:6", "lb.retry.tries=3": "lb.retry at f:6"} {
		path, value, _ := strings.Cut(set, "=")
		_, err := parse("f", "", []byte(base+product), Options{Set: []Change{{path, value}}})
		require.ErrorContains(t, err, "--set:1:1: "+path+": is what the scenario compares: it sets "+where)
	}
	s := read(t, base+product, Options{Set: []Change{{"lb.connections", "9"}}})
	require.Equal(t, 9, s.Variants[0].Topology.Node("lb").Connections)
	_, err := parse("f", "", []byte(base+named), Options{Set: []Change{{"lb.pick", "random"}}})
	require.ErrorContains(t, err, "lb.pick: is what the scenario compares: it sets lb.pick at f:6", "the variant that is left would be a random one by the name of a")
}

func TestRequestsThatNothingCanAnswer(t *testing.T) {
	const elsewhere = "gateway.routes: [{path: /a/*, to: lb, methods: [GET]}, {path: /a/b, to: lb, methods: [POST]}, {path: /*, to: lb}]"
	for ask, want := range map[string]string{ // by gateway-lb, and cdn-gateway-lb
		"{get: /products/1, key: alice}":               "",
		"{get: /products/1}":                           "gateway asks for a key (401)",
		"{get: /products/1, refused: true}":            "",
		"{get: /products/1, headers: {x-api-key: no}}": "",
		"{get: /healthz}":                              "",
		"{get: /, key: alice}":                         "gateway has no route for it (404)",
		"{get: /orders, key: alice}":                   "no route of gateway for /orders takes GET (405)",
		`{post: "/orders?a=b", key: alice}`:            "",
		`{get: "/{uniform 9}", key: alice}`:            "",
		`{get: "/x/{uniform 9}", key: alice}`:          "gateway has no route for it (404)",
		`{get: "/products/{uniform 9}", key: alice}`:   "",
		"topology: cdn-gateway-lb, {get: /products/1}": "",
		"topology: cdn-gateway-lb, {get: /, key: bob}": "gateway has no route for it (404)",
		"topology: lb, {get: /}":                       "",
		elsewhere + ", {head: /a/c, key: bob}":         "",
		elsewhere + ", {put: /a/c, key: bob}":          "no route of gateway for /a/* takes PUT (405)",
		elsewhere + ", {get: /a/b, key: bob}":          "no route of gateway for /a/b takes GET (405)",
		elsewhere + ", {put: /b, key: bob}":            "",
	} {
		text := strings.Replace(base, "topology: lb", "topology: gateway-lb", 1)
		if at := strings.LastIndex(ask, ", {"); at > 0 && ask[0] != '{' {
			text += "set: {" + ask[:at] + "}\n"
			ask = ask[at+2:]
		}
		_, err := parse("f", "", []byte(strings.Replace(text, "{get: /products/1}", ask, 1)), Options{})
		if want == "" {
			require.NoError(t, err, text+ask)
		} else {
			require.ErrorContains(t, err, "load.mix[0]: can never be answered: "+want, ask)
		}
	}
}
