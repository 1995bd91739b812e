package measure

import "time"

// Result is everything a report shows of one scenario: the fold of its stored
// runs.
type Result struct {
	Scenario    string
	Question    string
	Answer      string // one sentence, with its uncertainty
	Baseline    string
	JudgeBy     Metric
	Worlds      []string
	Variants    []string // in the order of the file
	Repeat      int      // repetitions asked for
	Partial     bool     // interrupted: fewer repetitions than asked for
	Seed        uint64
	Warmup      time.Duration
	Duration    time.Duration
	Summaries   []Summary    // by world, then variant
	Comparisons []Comparison // by world, then variant, then metric
	Checks      []Check
	Warnings    []Warning // of all runs, each kind said once, or once a variant if severe
	Machine     Provenance
	Calibration string   // what the simulator charged for the machinery; "" if it was not run
	Apart       []Apart  // where the simulator misses the live world
	Command     string   // how to run it again
	Theory      []Theory `json:",omitempty"` // by variant, of those that there is a formula for
}

// Figure is a number with its 95% confidence interval over repetitions: the
// arithmetic mean of what each of them came to. Only ratios to the baseline
// are geometric means, of the ratios in each pair of repetitions.
// Known is false where there are too few samples for it: a dash. A quantile
// needs 30 samples beyond it in all repetitions together, and 5 in each.
type Figure struct {
	Value     float64
	Low, High float64 // equal to Value if there is only one repetition
	N         int     // repetitions behind it
	Known     bool
}

// Summary is one variant in one world, over its repetitions.
type Summary struct {
	Variant string
	World   string
	Runs    int
	Samples int

	Figures []MetricFigure   // every metric, in the order of Metrics
	Reasons map[string]int64 // outcome word → samples, all repetitions together
	Classes []string         // parts of the load, if more than one
	Latency Histogram        `json:",omitzero"` // of successes of all repetitions, from when they were meant to be sent…
	Service Histogram        `json:",omitzero"` // …and from when they were; zero if none was late
	Curve   []Point          // latency by quantile, of successes of all repetitions
	Series  []Second         // over time, mean of the repetitions
	Nodes   []NodeSummary    // in the order of the topology
	Usage   []Usage          // all repetitions together
	Courses []CourseSummary  `json:",omitempty"` // what places were like over time
	Trusted bool             // no severe warning

	Waterfall []Breakdown `json:",omitempty"` // where time went, if account was taken
	// Aftermath says whether all was as before once the last fault was gone:
	// "recovered 3.2 s after the fault was gone"; "" if that cannot be told.
	Aftermath string `json:",omitempty"`
}

// MetricFigure is a metric and what it came to.
type MetricFigure struct {
	Metric Metric
	Figure Figure
}

// Point is one point of a latency curve, with an interval over repetitions.
type Point struct {
	Quantile float64 // 0.5 … 0.999
	Latency  Figure  // seconds
}

// Second is one second of a run's time line.
type Second struct {
	At       float64 // middle of the second, since the load began
	Offered  float64 // requests per second intended
	Good     float64 // successes per second, by intended instant
	Failed   float64 // failures per second (refusals by policy aside)
	Refused  float64 // refusals by policy per second
	P50, P99 float64 // latency in seconds of successes; 0 where there are none
	Hits     float64 `json:",omitempty"` // share answered from the first cache
	Reached  float64 `json:",omitempty"` // requests per second that came to backends
}

// NodeSummary is what one place did, per repetition on average.
type NodeSummary struct {
	Place      string
	Kind       string
	Requests   float64
	Rate       float64 // requests per second
	Share      float64 // of the requests to its node
	CPU        Figure  // seconds per request; unknown in the simulator
	Memory     int64   // peak, the largest of all repetitions
	CacheHits  Figure  // share of requests answered from the cache
	Reasons    map[string]int64
	Refused    map[string]int64   `json:",omitempty"` // refused or cut off, by what was wrong, all repetitions together
	Asked      map[string]float64 // upstream place → attempts per second
	Amplified  float64            // attempts per request received
	CacheWords map[string]int64
}

// Comparison is one metric of one variant against the baseline, in one world.
type Comparison struct {
	World   string
	Variant string
	Metric  Metric
	// Ratio is the variant's figure over the baseline's. For shares, which
	// may be 0, Difference is used instead (variant minus baseline).
	Ratio      Figure
	Difference Figure
	Relative   bool       // Ratio holds
	Survivors  *Survivors `json:",omitempty"` // of a latency, where they are too unequal
	Verdict    Verdict
	Text       string // "2.1 times as long (1.8 to 2.5)"
}

// Verdict is the judgement on a comparison.
type Verdict string

// The verdicts.
const (
	Better     Verdict = "better"
	Worse      Verdict = "worse"
	Different  Verdict = "different" // of a metric that is neither good nor bad, or flattered by failures
	NoDiff     Verdict = "no detectable difference"
	Unknowable Verdict = "cannot be told" // too few repetitions or samples
)

// Expectation is one bound on one figure.
type Expectation struct {
	Variant  string // a variant's name, or "all"
	Metric   Metric
	Less     bool    // the figure is to be below the bound, else above
	Bound    float64 // in the metric's unit; a factor of the baseline's figure if Relative
	Relative bool
	World    string // "live", "sim", or "" for both
	Text     string // as written: "< 0.5x baseline"
}

// Check is an expectation held against one summary.
type Check struct {
	Expectation Expectation
	World       string
	Variant     string
	Figure      Figure // of the metric, or of its ratio to the baseline
	Met         Met
	Reason      string // why it is undecided although the figure is known
}

// Met says how an expectation fared.
type Met string

// A bound inside the interval is undecided, which is no failure.
const (
	IsMet     Met = "met"
	NotMet    Met = "not met"
	Undecided Met = "undecided"
)
