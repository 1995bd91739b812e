package components

import "trafficlab/topologies"

// edited removes and sets fields as a route asks. h must not be shared.
func edited(h Header, e *topologies.Edit) Header {
	for _, name := range e.Remove {
		h = h.Del(name)
	}
	for _, field := range e.Set {
		h = h.Set(field.Path, field.Value)
	}
	return h
}
