#ifndef PREFIQS_GRAPH_PASSES_JOIN_GROUPS_H_
#define PREFIQS_GRAPH_PASSES_JOIN_GROUPS_H_

#include "graph/graph.h"

namespace prefiqs::graph {

// Of a specialised graph: grouped convolutions whose groups are narrower than `width` channels, but wider than one,
// get groups of `width` with zeros between the channels that had nothing to do with each other. Vector and tile units
// are faster on those than loops are on narrow ones. Left alone where `width` is no multiple of a group, or the groups
// do not come out even. The sums have zeros more; but a channel that is not finite makes its new neighbours so.
Graph JoinGroups(const Graph& graph, std::int64_t width);

}  // namespace prefiqs::graph

#endif  // PREFIQS_GRAPH_PASSES_JOIN_GROUPS_H_
