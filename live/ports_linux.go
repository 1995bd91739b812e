package live

import (
	"fmt"
	"net"
	"os"
)

const firstPort = 10000

// freePorts finds addresses on loopback that nobody listens on, below the
// ports that the kernel gives to connections, one of which could otherwise
// take a node's port while the node is down.
func freePorts(n int) ([]string, error) {
	end := firstEphemeral()
	if end-firstPort < 1000 {
		return nil, fmt.Errorf("find free ports: the system keeps all from %d for connections", end)
	}
	var found []string
	offset := os.Getpid() * 64 // so that runners seldom look at the same ones
	for i := 0; len(found) < n && i < end-firstPort; i++ {
		address := fmt.Sprintf("127.0.0.1:%d", firstPort+(offset+i)%(end-firstPort))
		probe, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		defer probe.Close()
		found = append(found, address)
	}
	if len(found) < n {
		return nil, fmt.Errorf("find %d free ports between %d and %d: there are only %d", n, firstPort, end, len(found))
	}
	return found, nil
}

func firstEphemeral() int {
	const usual = 32768
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return usual
	}
	var low, high int
	if _, err := fmt.Sscan(string(text), &low, &high); err != nil {
		return usual
	}
	return low
}
