package policy

import "time"

// Budget bounds extra attempts (retries, hedges) by a share of the requests of
// late: each request pays in a share of a token, each extra attempt takes one
// out. A reserve of so many tokens a second lets those with little traffic try
// again too. What is older than the window is forgotten, saved and spent
// alike.
//
// Source: Finagle's and linkerd's RetryBudget (20%, 10 a second, 10 s); SRE
// book chapters 21 and 22.
// Cost: O(1).
// Weak spot: the reserve may be spent at one instant; each proxy has its own.
type Budget struct {
	share, reserve float64
	slice          time.Duration
	counts         [budgetSlices]account
	at             int64   // number of the newest slice
	all            account // sum of counts
}

// account is counts, not tokens: sums of shares would drift.
type account struct{ requests, extra int64 }

const budgetSlices = 10

// NewBudget returns a budget of share·requests + reserve·seconds over a moving
// window.
func NewBudget(share, reserve float64, window time.Duration) *Budget {
	return &Budget{
		share:   share,
		reserve: reserve * window.Seconds(),
		slice:   max(window/budgetSlices, 1),
	}
}

// Deposit pays in for a request.
func (b *Budget) Deposit(now time.Duration) {
	b.turn(now)
	b.all.requests++
	b.counts[b.at%budgetSlices].requests++
}

// Withdraw pays for an extra attempt. It is false if there is not enough.
func (b *Budget) Withdraw(now time.Duration) bool {
	b.turn(now)
	if whole(b.share*float64(b.all.requests)+b.reserve) < float64(b.all.extra+1) {
		return false
	}
	b.all.extra++
	b.counts[b.at%budgetSlices].extra++
	return true
}

// turn forgets the slices that have left the window.
func (b *Budget) turn(now time.Duration) {
	at := int64(now / b.slice)
	if at-b.at >= budgetSlices {
		b.counts, b.all, b.at = [budgetSlices]account{}, account{}, at
	}
	for b.at < at {
		b.at++
		old := &b.counts[b.at%budgetSlices]
		b.all.requests -= old.requests
		b.all.extra -= old.extra
		*old = account{}
	}
}
