package scenarios

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"trafficlab/components/policy"
	"trafficlab/topologies"
)

// refusal says which node is certain to refuse every request of this kind, and
// why, or is empty. It follows the way from the entry as long as there is but
// one.
func (a Ask) refusal(t *topologies.Topology) string {
	path, _, _ := strings.Cut(a.Path.Before+a.Path.After, "?")
	if a.Path.Law != "" {
		path, _, _ = strings.Cut(a.Path.Before, "?")
	}
	keyed := slices.ContainsFunc(a.Header, func(f HeaderField) bool { return f.Name == "X-Api-Key" })
	name := t.Entry
	for range t.Nodes { // and not forever, should it go in circles
		n := t.Node(name)
		if n == nil || !n.Kind.Proxies() || n.Fallback != nil || path == policy.HealthPath {
			return ""
		}
		if n.Auth != nil {
			return ""
		}
		if n.Keys != nil && !keyed {
			return fmt.Sprintf("%s asks for a key (401)", n.Name)
		}
		keyed = keyed || n.Cache != nil // what it keeps is there for all
		to := n.To
		if len(n.Routes) > 0 {
			route, why := a.routeAt(n, path)
			if route == nil {
				return why
			}
			if route.Strip != "" || route.Rewrite != "" || route.Redirect != nil || len(route.Split) > 0 || len(route.Request.Set) > 0 {
				return ""
			}
			if len(route.To) > 0 {
				to = route.To
			}
		}
		if len(to) != 1 {
			return ""
		}
		name = to[0]
	}
	return ""
}

// routeAt is the node's route for a path, or nil and why there is none: nil and
// "" if that depends on the key drawn.
func (a Ask) routeAt(n *topologies.Node, path string) (found *topologies.Route, why string) {
	best := ""
	for _, r := range n.Routes {
		if len(r.Hosts)+len(r.Header)+len(r.Query) > 0 || strings.Contains(r.Path, "{") {
			return nil, ""
		}
	}
	for _, r := range n.Routes {
		prefix, open := strings.CutSuffix(r.Path, "*")
		switch {
		case a.Path.Law != "" && strings.HasPrefix(prefix, path) && prefix != path:
			return nil, ""
		case open && strings.HasPrefix(path, prefix), a.Path.Law == "" && path == r.Path:
			if best == "" || better(r.Path, best) {
				best = r.Path
			}
		}
	}
	if best == "" {
		return nil, fmt.Sprintf("%s has no route for it (404)", n.Name)
	}
	for i, r := range n.Routes {
		if r.Path == best && (len(r.Methods) == 0 || slices.Contains(r.Methods, a.Method) ||
			a.Method == "HEAD" && slices.Contains(r.Methods, "GET")) {
			return &n.Routes[i], ""
		}
	}
	return nil, fmt.Sprintf("no route of %s for %s takes %s (405)", n.Name, best, a.Method)
}

// better tells whether a pattern is more specific than another that also fits.
func better(a, b string) bool {
	_, openA := strings.CutSuffix(a, "*")
	_, openB := strings.CutSuffix(b, "*")
	if openA != openB {
		return openB
	}
	return cmp.Compare(len(a), len(b)) > 0
}
