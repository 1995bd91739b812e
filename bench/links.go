package bench

import (
	"fmt"
	"net"
	"net/http"
	"net/url"

	"trafficlab/live"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// overLink is an aim whose connections go over the clients' link, if something
// ails that at some time. Each of several generators has a link of its own,
// with all the bandwidth. Its end is for the caller to close.
func overLink(c *scenarios.Case, aim Aim) (Aim, *live.Links, error) {
	at, err := url.Parse(aim.URL)
	if err != nil {
		return aim, nil, err
	}
	plain := new(net.Dialer).DialContext
	transport, ours := aim.Transport.(*http.Transport)
	if ours && transport.DialContext != nil {
		plain = transport.DialContext
	}
	clock := aim.Clock
	if clock == nil {
		clock = live.Precise{}
	}
	links := live.LinksFrom(c, topologies.Outside, func(topologies.Place) string { return address(at) }, clock, plain)
	if links == nil {
		return aim, nil, nil
	}
	if !ours {
		return aim, nil, fmt.Errorf("spoil the link to %s: the transport aimed with makes no connections", aim.URL)
	}
	over := transport.Clone()
	over.DialContext = links.Dial
	aim.Transport = over
	links.Begin(aim.Began)
	return aim, links, nil
}
