// From a graph with open dimensions to one with none.
#ifndef PREFIQS_OPS_SPECIALISE_H_
#define PREFIQS_OPS_SPECIALISE_H_

#include <cstdint>
#include <map>
#include <string>

#include "graph/graph.h"

namespace prefiqs::ops {

struct SpecialiseLimits {
  std::int64_t max_value_bytes = std::int64_t{2} << 30;   // of one value
  std::int64_t max_total_bytes = std::int64_t{16} << 30;  // of all values together
};

// Gives every input the shape named (inputs not named must be fully known), infers all shapes, evaluates what depends
// on constants and shapes alone (Shape/Gather/Concat/Reshape arithmetic), and drops what became unused. Every value of
// the result has a known shape. Throws Error(kModel) with the node where shapes disagree or a limit is passed,
// Error(kUsage) for the shape of an input that does not exist. Constants that would take too long to evaluate (2^30
// element visits in all) are left to the run.
graph::Graph Specialise(const graph::Graph& graph, const std::map<std::string, graph::Shape>& input_shapes,
                        const SpecialiseLimits& limits = {});

// The same without dropping values: ids are those of `graph`, so what is found out here can be done there. Nodes that
// are folded are gone, those that no output needs are still there.
graph::Graph InferShapes(const graph::Graph& graph, const std::map<std::string, graph::Shape>& input_shapes,
                         const SpecialiseLimits& limits = {});

// Evaluates every node whose inputs are all constants; shapes may stay open. For use right after reading.
graph::Graph FoldConstants(const graph::Graph& graph, const SpecialiseLimits& limits = {});

}  // namespace prefiqs::ops

#endif  // PREFIQS_OPS_SPECIALISE_H_
