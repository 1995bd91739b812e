package components

// endings tells whether a node has the last word on answers: what is said of
// limits, to other origins, or of failures.
func (p *proxy) endings() bool {
	if p.tells != nil || p.cors != nil || p.node.Problems {
		return true
	}
	for _, r := range p.node.Routes {
		if len(r.Status) > 0 {
			return true
		}
	}
	return false
}

// end has the last word on an answer, whoever gave it.
func (p *proxy) end(v *visit, r *Response) {
	r.Header = r.Header.Clone()
	if v.route != nil && !r.ours {
		r.Status = statusOf(v.route.status, r.Status)
	}
	if r.ours && p.node.Problems && r.Status >= 400 {
		asProblem(r)
	}
	if p.tells != nil {
		r.Header = p.tells.add(r.Header, v)
	}
	if p.cors != nil {
		r.Header = p.cors.mark(r.Header, v.req, v.route == nil && r.Status == 204)
	}
}
