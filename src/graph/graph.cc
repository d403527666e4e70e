#include "graph/graph.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <queue>
#include <set>

namespace prefiqs::graph {
namespace {

template <typename T>
T Get(const Node& node, std::string_view key, T fallback, std::string_view expected) {
  const auto it = node.attributes.find(key);
  if (it == node.attributes.end()) return fallback;
  if (const T* value = std::get_if<T>(&it->second)) return *value;
  throw Error(ErrorCode::kModel,
              fmt::format("node '{}' ({}): attribute '{}' must be {}", node.name, node.op, key, expected));
}

Error NodeError(const Node& node, const std::string& cause) {
  return Error(ErrorCode::kModel, fmt::format("node '{}' ({}): {}", node.name, node.op, cause));
}

}  // namespace

std::int64_t Node::Int(std::string_view key, std::int64_t fallback) const {
  return Get<std::int64_t>(*this, key, fallback, "an integer");
}
float Node::Float(std::string_view key, float fallback) const { return Get<float>(*this, key, fallback, "a float"); }
std::string Node::String(std::string_view key, std::string_view fallback) const {
  return Get<std::string>(*this, key, std::string(fallback), "a string");
}
std::vector<std::int64_t> Node::Ints(std::string_view key, std::vector<std::int64_t> fallback) const {
  return Get<std::vector<std::int64_t>>(*this, key, std::move(fallback), "a list of integers");
}
std::vector<float> Node::Floats(std::string_view key, std::vector<float> fallback) const {
  return Get<std::vector<float>>(*this, key, std::move(fallback), "a list of floats");
}

ValueId Graph::AddValue(Value new_value) {
  values.push_back(std::move(new_value));
  return static_cast<ValueId>(values.size() - 1);
}

ValueId Graph::AddConstant(std::string value_name, TensorPtr tensor) {
  Value constant;
  constant.name = std::move(value_name);
  constant.type = tensor->type();
  constant.shape = tensor->shape();
  constant.shape_known = true;
  constant.constant = std::move(tensor);
  return AddValue(std::move(constant));
}

void Validate(const Graph& graph) {
  const auto count = static_cast<ValueId>(graph.values.size());
  const auto in_range = [&](ValueId id) { return id >= 0 && id < count; };
  enum : char { kUndefined, kDefined };
  std::vector<char> state(graph.values.size(), kUndefined);
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    if (const Tensor* constant = graph.values[i].constant.get()) {
      if (constant->type() != graph.values[i].type || constant->shape() != graph.values[i].shape) {
        throw Error(ErrorCode::kModel,
                    fmt::format("value '{}': type or shape differ from its constant's", graph.values[i].name));
      }
      state[i] = kDefined;
    }
  }
  for (ValueId id : graph.inputs) {
    if (!in_range(id)) throw Error(ErrorCode::kModel, "a graph input does not exist");
    if (state[static_cast<std::size_t>(id)] == kDefined) {
      throw Error(ErrorCode::kModel,
                  fmt::format("input '{}' is listed twice or is a constant as well", graph.value(id).name));
    }
    state[static_cast<std::size_t>(id)] = kDefined;
  }
  std::set<std::string_view> names;
  for (const Node& node : graph.nodes) {
    if (node.name.empty() || !names.insert(node.name).second) throw NodeError(node, "its name is empty or not unique");
    for (ValueId id : node.inputs) {
      if (id == kNone) continue;
      if (!in_range(id)) throw NodeError(node, "an input does not exist");
      if (state[static_cast<std::size_t>(id)] != kDefined) {
        throw NodeError(node, fmt::format("input '{}' is made by no earlier node", graph.value(id).name));
      }
    }
    for (ValueId id : node.outputs) {
      if (id == kNone) continue;
      if (!in_range(id)) throw NodeError(node, "an output does not exist");
      if (state[static_cast<std::size_t>(id)] == kDefined) {
        throw NodeError(node, fmt::format("output '{}' is already made elsewhere", graph.value(id).name));
      }
      state[static_cast<std::size_t>(id)] = kDefined;
    }
  }
  if (graph.outputs.empty()) throw Error(ErrorCode::kModel, "the graph has no outputs");
  for (ValueId id : graph.outputs) {
    if (!in_range(id) || state[static_cast<std::size_t>(id)] != kDefined) {
      throw Error(ErrorCode::kModel,
                  fmt::format("output '{}' is made by no node", in_range(id) ? graph.value(id).name : "?"));
    }
  }
}

std::vector<std::vector<std::int32_t>> Consumers(const Graph& graph) {
  std::vector<std::vector<std::int32_t>> consumers(graph.values.size());
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    for (ValueId id : graph.nodes[n].inputs) {
      if (id != kNone) consumers[static_cast<std::size_t>(id)].push_back(static_cast<std::int32_t>(n));
    }
  }
  return consumers;
}

std::vector<std::int32_t> Producers(const Graph& graph) {
  std::vector<std::int32_t> producers(graph.values.size(), -1);
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    for (ValueId id : graph.nodes[n].outputs) {
      if (id != kNone) producers[static_cast<std::size_t>(id)] = static_cast<std::int32_t>(n);
    }
  }
  return producers;
}

Graph RemoveUnused(const Graph& graph) {
  std::vector<char> needed(graph.values.size(), 0);
  const auto need = [&](ValueId id) {
    if (id != kNone) needed[static_cast<std::size_t>(id)] = 1;
  };
  for (ValueId id : graph.inputs) need(id);
  for (ValueId id : graph.outputs) need(id);
  std::vector<char> keep(graph.nodes.size(), 0);
  for (std::size_t n = graph.nodes.size(); n-- > 0;) {
    const Node& node = graph.nodes[n];
    keep[n] = std::any_of(node.outputs.begin(), node.outputs.end(),
                          [&](ValueId id) { return id != kNone && needed[static_cast<std::size_t>(id)]; });
    if (!keep[n]) continue;
    for (ValueId id : node.inputs) need(id);
    for (ValueId id : node.outputs) need(id);  // an unread second output still has its place
  }
  std::vector<ValueId> renamed(graph.values.size(), kNone);
  Graph result;
  result.name = graph.name;
  result.opset = graph.opset;
  result.producer = graph.producer;
  result.metadata = graph.metadata;
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    if (needed[i]) renamed[i] = result.AddValue(graph.values[i]);
  }
  const auto rename = [&](std::vector<ValueId>& ids) {
    for (ValueId& id : ids) {
      if (id != kNone) id = renamed[static_cast<std::size_t>(id)];
    }
  };
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    if (!keep[n]) continue;
    Node node = graph.nodes[n];
    rename(node.inputs);
    rename(node.outputs);
    result.nodes.push_back(std::move(node));
  }
  result.inputs = graph.inputs;
  result.outputs = graph.outputs;
  rename(result.inputs);
  rename(result.outputs);
  return result;
}

void SortTopologically(Graph& graph) {
  const std::vector<std::int32_t> producers = Producers(graph);
  std::vector<std::vector<std::int32_t>> followers(graph.nodes.size());
  std::vector<std::int32_t> waiting(graph.nodes.size(), 0);
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    for (ValueId id : graph.nodes[n].inputs) {
      const std::int32_t producer = id == kNone ? -1 : producers[static_cast<std::size_t>(id)];
      if (producer < 0) continue;
      followers[static_cast<std::size_t>(producer)].push_back(static_cast<std::int32_t>(n));
      ++waiting[n];
    }
  }
  // The lowest file index first among those that are ready keeps the file's order wherever it is one.
  std::priority_queue<std::int32_t, std::vector<std::int32_t>, std::greater<>> ready;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    if (waiting[n] == 0) ready.push(static_cast<std::int32_t>(n));
  }
  std::vector<Node> sorted;
  sorted.reserve(graph.nodes.size());
  while (!ready.empty()) {
    const std::int32_t n = ready.top();
    ready.pop();
    for (std::int32_t follower : followers[static_cast<std::size_t>(n)]) {
      if (--waiting[static_cast<std::size_t>(follower)] == 0) ready.push(follower);
    }
    sorted.push_back(std::move(graph.nodes[static_cast<std::size_t>(n)]));
  }
  if (sorted.size() != graph.nodes.size()) {
    const auto stuck = std::find_if(waiting.begin(), waiting.end(), [](std::int32_t w) { return w > 0; });
    throw NodeError(graph.nodes[static_cast<std::size_t>(stuck - waiting.begin())],
                    "it is part of a cycle or behind one");
  }
  graph.nodes = std::move(sorted);
}

}  // namespace prefiqs::graph
