package live

import (
	"time"

	"trafficlab/components"
)

// told is what a component has told of an exchange.
type told struct {
	route, consumer, upstream, reason, refused string
}

// tell takes the account of a request that is over.
func (n *Node) tell(on components.Exchange, a *components.Account) {
	n.meters.note(a)
	x, ok := on.(*exchange)
	if !ok {
		return
	}
	x.told = told{a.Route, a.Consumer, string(a.Upstream()), a.Reason.String(), a.Refused}
	x.trace.tell(n, a)
}

// over is called when a request is over, whatever became of it.
func (n *Node) over(x *exchange, came time.Duration) {
	x.trace.end()
	x.by.access.write(x, &x.req, came)
}
