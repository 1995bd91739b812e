package policy

// HealthPath is what checks ask for unless told otherwise, and where every
// component answers them itself.
const HealthPath = "/healthz"

// Health decides from a series of checks whether a backend counts as up. It
// takes several failures in a row to turn it down and several successes in a
// row to turn it up again, so that one lost check does not empty a pool.
//
// Source: active checks of HAProxy (fall, rise) and Envoy (unhealthy and
// healthy threshold).
// Cost: O(1).
// Weak spot: it is late by downAfter checks, and sees only what a check sees.
type Health struct {
	downAfter, upAfter int
	down               bool
	run                int // checks in a row that speak against the state
}

// NewHealth returns the health of a backend that is up at first. Thresholds
// below 1 count as 1.
func NewHealth(downAfter, upAfter int) *Health {
	return &Health{downAfter: max(downAfter, 1), upAfter: max(upAfter, 1)}
}

// Up tells whether the backend counts as up.
func (h *Health) Up() bool { return !h.down }

// Turn sets the state to what earlier checks have found.
func (h *Health) Turn(up bool) { h.down, h.run = !up, 0 }

// Report takes the outcome of one check and tells whether it turned the state.
func (h *Health) Report(ok bool) (turned bool) {
	if ok == h.Up() {
		h.run = 0
		return false
	}
	h.run++
	if h.run < h.threshold() {
		return false
	}
	h.down, h.run = !h.down, 0
	return true
}

func (h *Health) threshold() int {
	if h.down {
		return h.upAfter
	}
	return h.downAfter
}
