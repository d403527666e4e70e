#include "pipeline/interface.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/count.h"
#include "base/file.h"
#include "ops/specialise.h"

namespace prefiqs::pipeline {
namespace {

using graph::Graph;
using graph::kUnknown;
using graph::Shape;
using graph::Value;
using graph::ValueId;

// Where nothing says height and width: the size that the field aligns faces to.
constexpr std::int64_t kUsualSide = 112;
constexpr std::int64_t kMaxSide = 2048;
// More than this at once is not how face networks are exported, but how memory is exhausted.
constexpr std::int64_t kMaxBatch = 1024;
constexpr std::int64_t kMaxEmbedding = 1 << 16;
// What is shorter beside other outputs may be landmarks, an age or a head's angles.
constexpr std::int64_t kShortestFoundEmbedding = 16;

std::string Quoted(const Value& value) { return fmt::format("\"{}\"", Printable(value.name)); }

// "feature" (?x512), "norm" (?x1).
std::string Listed(const Graph& graph, const std::vector<ValueId>& ids) {
  std::string text;
  for (const ValueId id : ids) {
    const Value& value = graph.value(id);
    const std::string shape = value.shape_known ? fmt::format(" ({})", graph::ToString(value.shape)) : "";
    text += fmt::format("{}{}{}", text.empty() ? "" : ", ", Quoted(value), shape);
  }
  return text;
}

// Five points or so, as x and y.
bool IsLandmarks(const Value& value) {
  if (!value.shape_known) return false;
  const Shape& shape = value.shape;
  return (shape.size() == 3 && shape[2] == 2) || (shape.size() == 2 && shape[1] == 10);
}

// Tools that merge constants leave inputs behind that nothing reads: ONNX Runtime does in files of IR version 3.
void DropUnreadInputs(Graph& graph) {
  const auto consumers = graph::Consumers(graph);
  std::erase_if(graph.inputs, [&](ValueId id) {
    const bool is_output = std::ranges::find(graph.outputs, id) != graph.outputs.end();
    return !is_output && consumers[static_cast<std::size_t>(id)].empty();
  });
}

struct Layout {
  bool channels_last = false;
  std::int64_t batch = kUnknown, channels = 3, height = kUnknown, width = kUnknown;
};

bool IsChannels(std::int64_t dimension) { return dimension == 1 || dimension == 3; }

[[noreturn]] void FailInput(const std::string& what) { throw Error(ErrorCode::kModel, what); }

Layout ReadLayout(const Graph& graph) {
  if (graph.inputs.size() != 1) {
    const auto landmarks = std::ranges::find_if(graph.inputs, [&](ValueId id) { return IsLandmarks(graph.value(id)); });
    const std::string known =
        landmarks == graph.inputs.end()
            ? ""
            : fmt::format(
                  "; {} wants the face's landmarks, as KP-RPE does, and prefiqs gives a network the picture alone",
                  Quoted(graph.value(*landmarks)));
    FailInput(fmt::format("a face recognition network has one input, the picture; this one has {}: {}{}",
                          graph.inputs.size(), Listed(graph, graph.inputs), known));
  }
  const Value& input = graph.value(graph.inputs[0]);
  const std::string what = fmt::format("input {}", Quoted(input));
  if (input.type != graph::DataType::kFloat32 && !input.is_uint8) {
    FailInput(
        fmt::format("{} takes {}, not pictures of float32 or uint8; export the network with a floating-point input",
                    what, graph::Name(input.type)));
  }
  if (!input.shape_known) return {};
  const Shape& shape = input.shape;
  const std::string is = fmt::format("{} is {}", what, graph::ToString(shape));
  if (shape.size() != 4) FailInput(fmt::format("{}; a picture is N×3×height×width", is));
  Layout layout{.batch = shape[0]};
  // Of networks for pictures of one or three columns nobody heard.
  layout.channels_last = IsChannels(shape[3]) && !IsChannels(shape[1]);
  const std::int64_t channels = layout.channels_last ? shape[3] : shape[1];
  layout.height = shape[layout.channels_last ? 1 : 2];
  layout.width = shape[layout.channels_last ? 2 : 3];
  if (channels != kUnknown) layout.channels = channels;
  if (shape[0] == 0 || shape[0] > kMaxBatch) FailInput(fmt::format("{}: batches of 1 to {} can be run", is, kMaxBatch));
  if (!IsChannels(layout.channels)) {
    FailInput(fmt::format("{}: {} channels; prefiqs gives 3, or 1 of grey (N×3×height×width)", is, channels));
  }
  return layout;
}

void TakeSize(const Graph& graph, const WantedInterface& wanted, Layout& layout) {
  if (wanted.width == 0 && (layout.height == kUnknown) != (layout.width == kUnknown)) {
    const Value& input = graph.value(graph.inputs[0]);
    FailInput(fmt::format("input {} is {}: give the size of pictures, or export it with height and width fixed",
                          Quoted(input), graph::ToString(input.shape)));
  }
  const auto take = [&](std::int64_t& side, int asked, std::string_view name) {
    if (side == kUnknown) {
      side = asked > 0 ? asked : kUsualSide;
    } else if (asked > 0 && asked != side) {
      throw Error(ErrorCode::kUsage,
                  fmt::format("size {}x{}: the file fixes the {} of pictures to {}; leave the size out", wanted.width,
                              wanted.height, name, side));
    }
    if (side < 1 || side > kMaxSide) {
      FailInput(fmt::format("input {}: a {} of {}; sides are 1 to {} pixels", Quoted(graph.value(graph.inputs[0])),
                            name, side, kMaxSide));
    }
  };
  take(layout.width, wanted.width, "width");
  take(layout.height, wanted.height, "height");
}

std::string UnusedName(const Graph& graph, std::string name) {
  const auto taken = [&] {
    return std::ranges::find(graph.values, name, &Value::name) != graph.values.end() ||
           std::ranges::find(graph.nodes, name, &graph::Node::name) != graph.nodes.end();
  };
  while (taken()) name += "_";
  return name;
}

// `file` as a function of float32 pictures, channels first.
Graph ForRun(const Graph& file, const Layout& layout) {
  Graph graph = file;
  const ValueId read = file.inputs[0];
  const Shape first{layout.batch, layout.channels, layout.height, layout.width};
  const Shape last{layout.batch, layout.height, layout.width, layout.channels};
  Value& input = graph.value(read);
  input.type = graph::DataType::kFloat32;
  input.is_uint8 = false;
  input.shape = layout.channels_last ? last : first;
  input.shape_known = true;
  if (!layout.channels_last) return graph;
  const std::string name = UnusedName(graph, input.name + "/channels_first");
  Value value;
  value.name = name;
  value.shape = first;
  value.shape_known = true;
  const ValueId pictures = graph.AddValue(std::move(value));
  graph::Node transpose{.name = name, .op = "Transpose", .inputs = {pictures}, .outputs = {read}, .attributes = {}};
  transpose.attributes["perm"] = std::vector<std::int64_t>{0, 2, 3, 1};
  graph.nodes.insert(graph.nodes.begin(), std::move(transpose));
  graph.inputs = {pictures};
  return graph;
}

// How many numbers each picture has in an output, if it is a vector of them; else nothing.
std::optional<std::int64_t> NumbersEach(const Value& output, std::int64_t batch) {
  const Shape& shape = output.shape;
  if (shape.empty() || shape[0] != batch) return std::nullopt;
  const std::int64_t count = graph::ElementCount(shape) / batch;
  if (count == 1) return 1;
  const bool is_vector = shape.size() >= 2 && *std::max_element(shape.begin() + 1, shape.end()) == count;
  return is_vector ? std::optional(count) : std::nullopt;
}

// The place among the outputs of the one in use.
std::size_t ChooseOutput(const Graph& specialised, const WantedInterface& wanted, std::vector<std::string>& remarks) {
  const std::vector<ValueId>& outputs = specialised.outputs;
  if (!wanted.output.empty()) {
    const auto found =
        std::ranges::find(outputs, wanted.output, [&](ValueId id) { return specialised.value(id).name; });
    if (found == outputs.end()) {
      throw Error(ErrorCode::kUsage, fmt::format("there is no output \"{}\"; the network has {}",
                                                 Printable(wanted.output), Listed(specialised, outputs)));
    }
    return static_cast<std::size_t>(found - outputs.begin());
  }
  if (outputs.size() == 1) return 0;
  const std::int64_t batch = specialised.value(specialised.inputs[0]).shape[0];
  std::vector<std::size_t> numbers, vectors;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const auto each = NumbersEach(specialised.value(outputs[i]), batch);
    if (each == 1) numbers.push_back(i);
    if (each && *each >= kShortestFoundEmbedding) vectors.push_back(i);
  }
  if (wanted.tells_quality && numbers.size() == 1) return numbers[0];
  if (!wanted.tells_quality && vectors.size() == 1 && numbers.size() + 1 == outputs.size()) {
    remarks.push_back(fmt::format("the outputs are {}: {} is taken for the embedding (--output-name names another)",
                                  Listed(specialised, outputs), Quoted(specialised.value(outputs[vectors[0]]))));
    return vectors[0];
  }
  FailInput(fmt::format("the outputs are {}; --output-name NAME says which is the {}", Listed(specialised, outputs),
                        wanted.tells_quality ? "quality" : "embedding"));
}

int EmbeddingSize(const Graph& specialised, bool tells_quality) {
  const Value& output = specialised.value(specialised.outputs[0]);
  const std::string what = fmt::format("output {}", Quoted(output));
  if (output.type != graph::DataType::kFloat32) {
    FailInput(fmt::format("{} is {}; an embedding is float32", what, graph::Name(output.type)));
  }
  const std::int64_t batch = specialised.value(specialised.inputs[0]).shape[0];
  const std::optional<std::int64_t> each = NumbersEach(output, batch);
  if (each == 1 && tells_quality) return 1;
  if (!each || *each < 2 || *each > kMaxEmbedding) {
    FailInput(fmt::format("{} is {} for {}; an embedding is N×d with 2 ≤ d ≤ {}", what, graph::ToString(output.shape),
                          Count(batch, "picture"), kMaxEmbedding));
  }
  return static_cast<int>(*each);
}

}  // namespace

Interface Adapt(Graph read, const WantedInterface& wanted) {
  DropUnreadInputs(read);
  Layout layout = ReadLayout(read);
  Interface result;
  result.size_is_open = layout.height == kUnknown || layout.width == kUnknown;
  TakeSize(read, wanted, layout);
  result.takes_bytes = read.value(read.inputs[0]).is_uint8;
  result.channels = static_cast<int>(layout.channels);
  result.height = static_cast<int>(layout.height);
  result.width = static_cast<int>(layout.width);

  const std::int64_t batch = layout.batch == kUnknown ? 1 : layout.batch;
  const auto shapes = [&](const Graph& graph, bool channels_last) -> prune::InputShapes {
    const Shape shape = channels_last ? Shape{batch, layout.height, layout.width, layout.channels}
                                      : Shape{batch, layout.channels, layout.height, layout.width};
    return {{graph.value(graph.inputs[0]).name, shape}};
  };
  const auto specialised = [&](const Graph& file) {
    result.graph = ForRun(file, layout);
    result.shapes = shapes(result.graph, false);
    try {
      return ops::Specialise(result.graph, result.shapes);
    } catch (const Error& e) {
      if (!result.size_is_open || wanted.width > 0) throw;
      throw Error(e.code(), fmt::format("{}; the file leaves the size of pictures open, and {}x{} was tried: --size "
                                        "WIDTHxHEIGHT names another",
                                        e.what(), layout.width, layout.height));
    }
  };
  Graph for_one = specialised(read);
  const std::size_t chosen = ChooseOutput(for_one, wanted, result.remarks);
  if (read.outputs.size() > 1) {
    result.output = read.value(read.outputs[chosen]).name;
    read.outputs = {read.outputs[chosen]};
    read = graph::RemoveUnused(read);
    for_one = specialised(read);
  }
  result.embedding_size = EmbeddingSize(for_one, wanted.tells_quality);
  result.file_shapes = shapes(read, layout.channels_last);
  result.file = std::move(read);
  return result;
}

}  // namespace prefiqs::pipeline
