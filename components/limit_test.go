package components

import (
	"trafficlab/components/policy"
	"trafficlab/topologies"
)

// oneLimit is a token bucket.
func oneLimit(by string, rate, burst float64) []topologies.Limit {
	return []topologies.Limit{limitOf(by, "token-bucket", rate, burst)}
}

func limitOf(by, algorithm string, rate, burst float64) topologies.Limit {
	return topologies.Limit{By: by, Algorithm: policy.Choice{Name: algorithm,
		Params: policy.Params{"rate": {Number: rate}, "burst": {Number: burst}}}}
}
