#include "graph/merge.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

namespace prefiqs::graph {
namespace {

bool SameAttribute(const Attribute& a, const Attribute& b) {
  const TensorPtr* ta = std::get_if<TensorPtr>(&a);
  const TensorPtr* tb = std::get_if<TensorPtr>(&b);
  if (ta != nullptr && tb != nullptr) return *ta == *tb || Identical(**ta, **tb);
  return a == b;
}

bool SameWork(const Node& a, const Node& b, const std::vector<ValueId>& inputs_of_b) {
  if (a.op != b.op || a.inputs != inputs_of_b || a.outputs.size() != b.outputs.size() ||
      a.attributes.size() != b.attributes.size()) {
    return false;
  }
  return std::equal(a.attributes.begin(), a.attributes.end(), b.attributes.begin(), [](const auto& x, const auto& y) {
    return x.first == y.first && SameAttribute(x.second, y.second);
  });
}

// Finds a constant of the merged graph with the same content. Pruning shares untouched tensors and defers the others,
// so the address settles nearly every case: content is looked at, and fingerprints are made (which keep it from being
// everything with everything), only where it does not.
class ConstantPool {
 public:
  explicit ConstantPool(Graph& graph) : graph_(graph) {
    for (std::size_t i = 0; i < graph.values.size(); ++i) {
      const Tensor* const tensor = graph.values[i].constant.get();
      if (tensor == nullptr) continue;
      by_address_.emplace(tensor, static_cast<ValueId>(i));
      if (!tensor->deferred()) not_fingerprinted_.push_back(static_cast<ValueId>(i));
    }
  }

  ValueId Insert(const Value& value) {
    if (const auto it = by_address_.find(value.constant.get()); it != by_address_.end()) return it->second;
    const bool deferred = value.constant->deferred();
    if (!deferred) {
      for (const ValueId id : std::exchange(not_fingerprinted_, {})) {
        by_fingerprint_.emplace(Fingerprint(*graph_.constant(id)), id);
      }
      const auto [first, last] = by_fingerprint_.equal_range(Fingerprint(*value.constant));
      for (auto it = first; it != last; ++it) {
        if (Identical(*graph_.constant(it->second), *value.constant)) return it->second;
      }
    }
    const ValueId id = graph_.AddValue(value);
    by_address_.emplace(graph_.constant(id), id);
    if (!deferred) not_fingerprinted_.push_back(id);
    return id;
  }

 private:
  static std::size_t Fingerprint(const Tensor& tensor) {
    // FNV-1a over the shape and every byte of up to 4 KiB spread over the tensor.
    std::size_t hash = 14695981039346656037ULL;
    const auto mix = [&](std::size_t x) { hash = (hash ^ x) * 1099511628211ULL; };
    for (std::int64_t d : tensor.shape()) mix(static_cast<std::size_t>(d));
    const std::size_t step = tensor.byte_count() / 4096 + 1;
    for (std::size_t i = 0; i < tensor.byte_count(); i += step) mix(std::to_integer<std::size_t>(tensor.bytes()[i]));
    return hash;
  }

  Graph& graph_;
  std::unordered_map<const Tensor*, ValueId> by_address_;
  std::vector<ValueId> not_fingerprinted_;
  std::unordered_multimap<std::size_t, ValueId> by_fingerprint_;
};

}  // namespace

Graph MergeTwin(const Graph& a, const Graph& b) {
  if (a.inputs.size() != b.inputs.size())
    throw Error(ErrorCode::kInternal, "twin: the networks differ in their inputs");
  Graph merged = a;
  std::vector<ValueId> mapped(b.values.size(), kNone);
  for (std::size_t i = 0; i < b.inputs.size(); ++i) {
    const Value& mine = a.value(a.inputs[i]);
    const Value& theirs = b.value(b.inputs[i]);
    if (mine.type != theirs.type || mine.shape != theirs.shape) {
      throw Error(ErrorCode::kInternal, fmt::format("twin: input '{}' differs", theirs.name));
    }
    mapped[static_cast<std::size_t>(b.inputs[i])] = a.inputs[i];
  }

  ConstantPool constants(merged);
  std::set<std::string, std::less<>> names;
  // Candidates for "the same node": those with the same operator and first input.
  const auto key = [](const Node& node, const std::vector<ValueId>& inputs) {
    return fmt::format("{}:{}", node.op, inputs.empty() ? kNone : inputs.front());
  };
  std::unordered_multimap<std::string, std::size_t> nodes_of_a;
  for (std::size_t n = 0; n < a.nodes.size(); ++n) {
    nodes_of_a.emplace(key(a.nodes[n], a.nodes[n].inputs), n);
    names.insert(a.nodes[n].name);
  }

  const auto map = [&](ValueId id) {
    if (id == kNone) return kNone;
    ValueId& target = mapped[static_cast<std::size_t>(id)];
    if (target == kNone && b.value(id).constant) target = constants.Insert(b.value(id));
    return target;
  };
  for (const Node& node : b.nodes) {
    std::vector<ValueId> inputs(node.inputs.size());
    std::transform(node.inputs.begin(), node.inputs.end(), inputs.begin(), map);
    const auto [first, last] = nodes_of_a.equal_range(key(node, inputs));
    const auto same =
        std::find_if(first, last, [&](const auto& entry) { return SameWork(a.nodes[entry.second], node, inputs); });
    if (same != last) {
      const Node& twin = a.nodes[same->second];
      for (std::size_t i = 0; i < node.outputs.size(); ++i) {
        if (node.outputs[i] != kNone) mapped[static_cast<std::size_t>(node.outputs[i])] = twin.outputs[i];
      }
      continue;
    }
    Node copy = node;
    copy.inputs = std::move(inputs);
    do {
      copy.name += "/pruned";
    } while (!names.insert(copy.name).second);
    for (ValueId& id : copy.outputs) {
      if (id == kNone) continue;
      Value value = b.value(id);
      value.name += "/pruned";
      id = mapped[static_cast<std::size_t>(id)] = merged.AddValue(std::move(value));
    }
    merged.nodes.push_back(std::move(copy));
  }
  for (ValueId id : b.outputs) merged.outputs.push_back(map(id));
  return merged;
}

}  // namespace prefiqs::graph
