// Nodes one behind the other that are together one function a channel.
#ifndef PREFIQS_ENGINE_ONEDNN_CHANNELWISE_CHAIN_H_
#define PREFIQS_ENGINE_ONEDNN_CHANNELWISE_CHAIN_H_

#include <optional>
#include <vector>

#include "engine/channelwise.h"
#include "engine/onednn/builder.h"
#include "graph/graph.h"

namespace prefiqs::engine::onednn {

struct ChannelwiseChain {
  ChannelFunction function;
  std::vector<const graph::Node*> nodes;
  graph::ValueId output;  // of the last node
};

// The longest chain that begins with `node`, which reads `input`, of sole readers; nothing where `node` is none.
std::optional<ChannelwiseChain> FindChannelwise(const Builder& builder, const graph::Node& node, graph::ValueId input);

}  // namespace prefiqs::engine::onednn

#endif  // PREFIQS_ENGINE_ONEDNN_CHANNELWISE_CHAIN_H_
