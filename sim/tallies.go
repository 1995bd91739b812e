package sim

import (
	"time"

	"trafficlab/components"
	"trafficlab/components/policy"
	"trafficlab/topologies"
)

// tallies are what the replicas of a node count together, in memory. They
// outlive the crash of a replica, and to ask them takes a round trip.
type tallies struct {
	components.Memories
	trip time.Duration
}

// Tally implements components.Tallies.
func (t *tallies) Tally(name string, shared *topologies.Shared, limiters []policy.Choice, tells bool) components.Tally {
	return distant{t.Memories.Tally(name, shared, limiters, tells), t.trip}
}

// distant is a tally that is a trip away.
type distant struct {
	components.Tally
	trip time.Duration
}

// Take implements components.Tally: it asks with its own time, as live, and
// the answer is a trip away.
func (d distant) Take(x components.Exchange, asks []policy.Ask) components.Taken {
	t := d.Tally.Take(x, asks)
	t.Trip = d.trip
	return t
}
