package live

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"trafficlab/components"
	"trafficlab/components/policy"
	"trafficlab/topologies"
)

//go:embed limits.lua
var limitsLua string

// limitsScript decides for all replicas, in one trip and atomically. The clock
// is the run's, told by who asks: all processes of a run on this machine read
// the same one, so that Redis decides as memory does in the simulator. (Over
// several machines Redis's own TIME would be the clock to take.)
var limitsScript = redis.NewScript(limitsLua)

// redisTallies are tallies in Redises. It is safe for concurrent use.
type redisTallies struct {
	run string
	log *log.Logger

	mu      sync.Mutex
	clients []*redis.Client
}

func newRedisTallies(run string, l *log.Logger) *redisTallies {
	if l == nil {
		l = log.New(io.Discard, "", 0)
	}
	return &redisTallies{run: run, log: l}
}

// Tally implements components.Tallies. It does not connect before it is asked.
func (r *redisTallies) Tally(name string, shared *topologies.Shared, limiters []policy.Choice, tells bool) components.Tally {
	client := redis.NewClient(&redis.Options{
		Addr: shared.Redis, Protocol: 2, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		// A question is asked once: who fails is dealt with as the limit says.
		MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true,
		DialTimeout: shared.Timeout, ReadTimeout: shared.Timeout, WriteTimeout: shared.Timeout, PoolTimeout: shared.Timeout,
		PoolSize: redisConnections,
	})
	r.mu.Lock()
	r.clients = append(r.clients, client)
	r.mu.Unlock()
	t := &redisTally{client: client, timeout: shared.Timeout, tells: tells, log: r.log, name: name + " in the Redis at " + shared.Redis}
	of := r.run
	if shared.Keep != "" {
		of = "keep:" + shared.Keep
	}
	for i, l := range limiters {
		// What stands in braces keeps the keys of one question together in a
		// cluster of Redises.
		t.limits = append(t.limits, newRedisLimit(fmt.Sprintf("trafficlab:{%s:%s}:%d:", of, name, i), l))
	}
	return t
}

// redisConnections bounds the connections of a node to one Redis. Beyond them
// questions wait, within their timeout.
const redisConnections = 32

// Close ends all connections.
func (r *redisTallies) Close() (err error) {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.clients {
		err = errors.Join(err, c.Close())
	}
	return err
}

// redisTally is a tally in a Redis.
type redisTally struct {
	client  *redis.Client
	timeout time.Duration
	tells   bool // levels
	limits  []redisLimit
	log     *log.Logger
	name    string
	lost    atomic.Bool
}

// redisLimit is what the script has to know of a limit.
type redisLimit struct {
	keys      string // what they begin with
	arguments [5]any // law, rate, burst, window, delay
	per       string // of a quota, whose last three are for the date to say
}

func newRedisLimit(keys string, c policy.Choice) redisLimit {
	if c.Name == policy.Quota {
		return redisLimit{keys, [5]any{c.Name, c.Params.Number("quota"), 0, 0, 0}, c.Params.Word("per")}
	}
	return redisLimit{keys, [5]any{c.Name,
		c.Params.Number("rate"), c.Params.Number("burst"), c.Params.Number("window"), c.Params.Number("delay")}, ""}
}

// ask appends what the script is to be told of one question.
func (l *redisLimit) ask(arguments []any, a *policy.Ask) []any {
	told := l.arguments
	if l.per != "" {
		date := float64(a.Date) // as memory has it
		_, end := policy.Period(l.per, time.Duration(date))
		told[3], told[4] = float64(end), date
	}
	return append(append(arguments, told[:]...), a.Cost)
}

// Take implements components.Tally. It blocks for the timeout at most.
func (t *redisTally) Take(x components.Exchange, asks []policy.Ask) components.Taken {
	keys := make([]string, len(asks))
	arguments := make([]any, 2, 2+6*len(asks))
	arguments[0], arguments[1] = strconv.FormatInt(int64(x.Now()), 10), t.tells
	for i := range asks {
		keys[i] = t.limits[i].keys + asks[i].Key
		arguments = t.limits[i].ask(arguments, &asks[i])
	}
	ctx, cancel := context.WithTimeout(context.Background(), t.timeout)
	defer cancel()
	answer, err := limitsScript.Run(ctx, t.client, keys, arguments...).Slice()
	var taken components.Taken
	if err == nil {
		taken, err = t.read(answer, len(asks))
	}
	t.tell(err)
	if err != nil {
		return components.Taken{Lost: fmt.Errorf("ask the limits of %s: %w", t.name, err)}
	}
	return taken
}

// read takes what the script has answered.
func (t *redisTally) read(answer []any, asked int) (taken components.Taken, err error) {
	levels := 0
	if t.tells {
		levels = asked
	}
	strange := fmt.Errorf("the script answered %v", answer)
	if len(answer) != 2+3*levels {
		return taken, strange
	}
	admitted, isNumber := answer[0].(int64)
	wait, isToo := answer[1].(int64)
	if !isNumber || !isToo {
		return taken, strange
	}
	taken = components.Taken{OK: admitted == 1, Wait: time.Duration(wait), Told: t.tells}
	all := make([]policy.Level, levels)
	for i := range all {
		var n [3]float64
		for k := range n {
			text, _ := answer[2+3*i+k].(string)
			if n[k], err = strconv.ParseFloat(text, 64); err != nil {
				return taken, strange
			}
		}
		all[i] = policy.NewLevel(n[0], n[1], n[2])
	}
	if t.tells {
		taken.Which, taken.Level = policy.Tightest(all)
	}
	return taken, nil
}

// tell logs when Redis is lost and when it is back.
func (t *redisTally) tell(err error) {
	if lost := err != nil; t.lost.Swap(lost) != lost {
		if lost {
			t.log.Printf("lost the limits of %s: %v", t.name, err)
		} else {
			t.log.Printf("the limits of %s are back", t.name)
		}
	}
}
