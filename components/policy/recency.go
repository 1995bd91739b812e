package policy

import "container/list"

// recency is a map that knows which of its keys was used longest ago.
type recency[V any] struct {
	byKey map[string]*list.Element
	order *list.List // of *kept[V], the latest used in front
}

type kept[V any] struct {
	key   string
	value V
}

func newRecency[V any]() recency[V] {
	return recency[V]{map[string]*list.Element{}, list.New()}
}

func (r *recency[V]) len() int { return len(r.byKey) }

// get returns the value of a key, which thereby is the latest used.
func (r *recency[V]) get(key string) (value *V, ok bool) {
	if first := r.order.Front(); first != nil {
		if k := first.Value.(*kept[V]); k.key == key {
			return &k.value, true
		}
	}
	e, ok := r.byKey[key]
	if !ok {
		return nil, false
	}
	r.order.MoveToFront(e)
	return &e.Value.(*kept[V]).value, true
}

// add puts a key that is not there yet.
func (r *recency[V]) add(key string, value V) *V {
	k := &kept[V]{key, value}
	r.byKey[key] = r.order.PushFront(k)
	return &k.value
}

// remove takes a key out and returns what it held.
func (r *recency[V]) remove(key string) (value V, ok bool) {
	e, ok := r.byKey[key]
	if !ok {
		return value, false
	}
	delete(r.byKey, key)
	return r.order.Remove(e).(*kept[V]).value, true
}

// stalest is the key used longest ago.
func (r *recency[V]) stalest() string { return r.order.Back().Value.(*kept[V]).key }
