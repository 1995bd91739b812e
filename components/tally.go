package components

import (
	"time"

	"trafficlab/components/policy"
	"trafficlab/topologies"
)

// Tally counts what limits have admitted. It is safe for concurrent use.
type Tally interface {
	// Take asks all the limits at once, each for its part, as policy.Limits
	// does.
	Take(x Exchange, asks []policy.Ask) Taken
}

// Taken is what a tally says to a request.
type Taken struct {
	OK   bool
	Wait time.Duration // how long to hold it back; if not OK, when to come again
	Lost error         // what was counted is out of reach; nothing else is known then
	Trip time.Duration // how long the answer takes, if that has not passed yet

	// Which of the limits is nearest to its end, and how near, if the tally
	// was told to tell.
	Told  bool
	Which int
	Level policy.Level
}

// Tallies hands out the tallies that the replicas of a node keep together. It
// is the world's to say where: in memory, or in a Redis.
type Tallies interface {
	// Tally is the one of that name, which counts for the given limiters and
	// tells levels if it is to. All who ask for a name get the same.
	Tally(name string, shared *topologies.Shared, limiters []policy.Choice, tells bool) Tally
}

// limitedKeys bounds how many consumers or addresses a limit remembers.
const limitedKeys = 1 << 16

// memory is a tally within this process.
type memory struct {
	mu     lock
	limits policy.Limits
	tells  bool // levels
}

func newMemory(limiters []policy.Choice, tells bool) *memory {
	return &memory{limits: policy.NewLimits(limiters, limitedKeys), tells: tells}
}

// Take implements Tally.
func (m *memory) Take(x Exchange, asks []policy.Ask) Taken {
	m.mu.Lock()
	defer m.mu.Unlock()
	wait, ok := m.limits.Take(x.Now(), asks)
	t := Taken{OK: ok, Wait: wait}
	if m.tells {
		t.Told = true
		t.Which, t.Level = m.limits.Levels(x.Now(), asks)
	}
	return t
}

// Memories are tallies that live in this process and outlive the components
// that ask for them. They are safe for concurrent use.
type Memories struct {
	mu     lock
	byName map[string]*memory
}

// Tally implements Tallies.
func (m *Memories) Tally(name string, _ *topologies.Shared, limiters []policy.Choice, tells bool) Tally {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.byName == nil {
		m.byName = map[string]*memory{}
	}
	if m.byName[name] == nil {
		m.byName[name] = newMemory(limiters, tells)
	}
	return m.byName[name]
}
