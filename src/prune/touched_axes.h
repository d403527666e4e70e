// Operators that do something along some axes of their first input and leave the others alone.
#ifndef PREFIQS_PRUNE_TOUCHED_AXES_H_
#define PREFIQS_PRUNE_TOUCHED_AXES_H_

#include <vector>

#include "graph/graph.h"

namespace prefiqs::prune {

// Of each axis of the first input whether the operator mixes, cuts or counts its places; of the others each place makes
// that of the outputs alone. Empty: not known of this operator, or there is no axis. `inferred`: with known shapes.
std::vector<bool> TouchedAxes(const graph::Graph& inferred, const graph::Node& node);

}  // namespace prefiqs::prune

#endif  // PREFIQS_PRUNE_TOUCHED_AXES_H_
