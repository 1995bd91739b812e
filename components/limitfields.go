package components

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"trafficlab/components/policy"
	"trafficlab/topologies"
)

// limitFields tells callers how much they may still ask for: what the limits
// are, and how near they are to the nearest.
//
// Source: draft-ietf-httpapi-ratelimit-headers-10 (RateLimit-Policy and
// RateLimit); the fields that begin with X-RateLimit- as GitHub and Kong have
// them, with the time to wait in seconds.
// Weak spot: limits whose Redis is out of reach are named, but nothing is told
// of what is left.
type limitFields struct {
	standard, x bool
	policy      []string // of the node's own limits
}

// newLimitFields is nil if nothing is to be told.
func newLimitFields(node *topologies.Node) *limitFields {
	if node.LimitFields == nil {
		return nil
	}
	return &limitFields{
		standard: slices.Contains(node.LimitFields, topologies.RateLimitFields),
		x:        slices.Contains(node.LimitFields, topologies.XRateLimitFields),
		policy:   policies(namedApart("", node.Limits)),
	}
}

// namedApart is limits of which each has a name: if it has none of its own, by
// what it counts by.
func namedApart(before string, all []topologies.Limit) []topologies.Limit {
	all = slices.Clone(all)
	taken := map[string]bool{}
	for _, l := range all {
		taken[before+l.Name] = true
	}
	for i := range all {
		l := &all[i]
		by, _, _ := strings.Cut(l.By, " ")
		name := before + cmp.Or(l.Name, by)
		for n := 2; l.Name == "" && taken[name]; n++ {
			name = before + by + "-" + strconv.Itoa(n)
		}
		l.Name, taken[name] = name, true
	}
	return all
}

// namesOf are the names of limits.
func namesOf(all []topologies.Limit) (names []string) {
	for _, l := range all {
		names = append(names, l.Name)
	}
	return names
}

func policies(all []topologies.Limit) (texts []string) {
	for _, l := range all {
		texts = append(texts, policyText(l))
	}
	return slices.Clip(texts)
}

// policyText is a limit as RateLimit-Policy has it: what is admitted within
// which window, in seconds.
func policyText(l topologies.Limit) string {
	most, window := 0.0, 0.0
	if l.Algorithm.Name == policy.Quota {
		most = l.Algorithm.Params.Number("quota")
		window = map[string]float64{"hour": 3600, "month": 30 * 86400}[l.Algorithm.Params.Word("per")]
		if window == 0 {
			window = 86400
		}
	} else {
		most = policy.Limiters[l.Algorithm.Name].Most(l.Algorithm.Params)
		window = l.Algorithm.Params.Duration("window").Seconds()
		if math.IsInf(most, 1) { // a queue
			most = l.Algorithm.Params.Number("burst") + 1
		}
		if window == 0 {
			window = most / l.Algorithm.Params.Number("rate")
		}
	}
	return strconv.Quote(l.Name) + ";q=" + strconv.FormatFloat(math.Floor(most), 'f', -1, 64) +
		";w=" + strconv.Itoa(int(max(1, math.Ceil(window))))
}

// note takes what a tally has said, if it is the tightest of all so far.
func (f *limitFields) note(v *visit, l *limits) {
	t := &v.taken
	if !t.Told || v.tightest != "" && !t.Level.Tighter(v.level) {
		return
	}
	v.tightest, v.level = l.names[t.Which], t.Level
}

// add puts the fields into an answer's header, which must not be shared.
func (f *limitFields) add(h Header, v *visit) Header {
	if f.standard {
		texts := f.policy
		if v.plan != nil {
			texts = slices.Concat(texts, v.plan.policy)
		}
		if len(texts) > 0 {
			h = h.Set("RateLimit-Policy", strings.Join(texts, ", "))
		}
	}
	if v.tightest == "" {
		return h
	}
	left, reset := strconv.Itoa(v.level.Whole()), strconv.Itoa(inSeconds(v.level.Reset))
	if f.standard {
		h = h.Set("RateLimit", strconv.Quote(v.tightest)+";r="+left+";t="+reset)
	}
	if f.x {
		h = h.Set("X-RateLimit-Limit", strconv.FormatFloat(math.Floor(v.level.Most), 'f', -1, 64))
		h = h.Set("X-RateLimit-Remaining", left)
		h = h.Set("X-RateLimit-Reset", reset)
	}
	return h
}

// inSeconds rounds up.
func inSeconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
