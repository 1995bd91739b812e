package components

import "time"

// join takes a request among those that share the workers. How long it takes
// depends on who comes and goes meanwhile: only the one that will be done
// first, as things are, waits for an instant. The others wait to be told that
// they are first now.
func (b *backend) join(v *visit) (p Pause, over bool) {
	v.work = b.serviceTime(v)
	p, joined := b.joined(v, v.work)
	if !joined {
		v.reply(queueFull)
		return Pause{}, true
	}
	return p, false
}

func (b *backend) joined(v *visit, work time.Duration) (p Pause, ok bool) {
	now := v.x.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settle(now)
	v.turn = v.x.NewSignal()
	if !b.sharing.Begin(now, work, v) {
		v.x.Recycle(v.turn)
		return Pause{}, false
	}
	return b.outlook(v), true
}

// share looks how far a request at work has come.
func (b *backend) share(v *visit) (p Pause, over bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settle(v.x.Now())
	if v.ended {
		v.x.Recycle(v.turn)
		return Pause{}, true
	}
	if v.turn.Fired() {
		v.x.Recycle(v.turn)
		v.turn = v.x.NewSignal()
	}
	return b.outlook(v), false
}

// outlook is how long a request must wait for news.
func (b *backend) outlook(v *visit) Pause {
	until := Forever
	if first, due, _ := b.sharing.Next(); first == v {
		until = due
	}
	p, _ := v.pause(sharing, until, v.turn)
	return p
}

// settle ends the requests that are done by now, and tells the one that will
// be next.
func (b *backend) settle(now time.Duration) {
	for ended := false; ; ended = true {
		first, due, some := b.sharing.Next()
		switch {
		case some && due <= now:
			b.sharing.Finish()
			first.ended = true
			first.turn.Fire()
		case some && ended:
			first.turn.Fire()
			return
		default:
			return
		}
	}
}
