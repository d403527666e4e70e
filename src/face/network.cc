#include "face/network.h"

#include <fmt/format.h>

#include <algorithm>

#include "face/nms.h"
#include "ops/specialise.h"

namespace prefiqs::face {
namespace {

// A network for larger pictures than this is not one for faces, but a way to exhaust memory.
constexpr std::int64_t kMaxFixedSide = 4096;
// On which a network of open size shows its family: not square, so that rows and columns cannot be mixed up.
constexpr Canvas kProbe = {640, 384};

std::string Describe(const graph::Graph& graph, const std::vector<graph::ValueId>& ids) {
  std::string text;
  for (const graph::ValueId id : ids) {
    const graph::Value& value = graph.value(id);
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", value.name, graph::ToString(value.shape));
  }
  return text;
}

std::vector<graph::Shape> OutputShapes(const graph::Graph& graph) {
  std::vector<graph::Shape> shapes;
  for (const graph::ValueId id : graph.outputs) {
    // Decoders read floats; what is none fits no family.
    const graph::Value& value = graph.value(id);
    shapes.push_back(value.type == graph::DataType::kFloat32 ? value.shape : graph::Shape{});
  }
  return shapes;
}

// The declared size; empty when height and width are open. Throws Error(kModel) when it is no picture.
std::optional<Canvas> DeclaredCanvas(const graph::Graph& graph, const std::string& name) {
  if (graph.inputs.size() != 1) {
    throw Error(ErrorCode::kModel,
                fmt::format("{}: a face detector has one input, this network has {}", name, graph.inputs.size()));
  }
  const graph::Value& input = graph.value(graph.inputs[0]);
  const graph::Shape& shape = input.shape;
  auto is = [](std::int64_t dimension, std::int64_t wanted) {
    return dimension == wanted || dimension == graph::kUnknown;
  };
  if (input.type != graph::DataType::kFloat32 || !input.shape_known || shape.size() != 4 || !is(shape[0], 1) ||
      !is(shape[1], 3)) {
    throw Error(ErrorCode::kModel, fmt::format("{}: a face detector takes float pictures of 1x3xHxW, input {} is {} {}",
                                               name, input.name, graph::Name(input.type), graph::ToString(shape)));
  }
  if (shape[2] == graph::kUnknown || shape[3] == graph::kUnknown) return std::nullopt;
  if (shape[2] < 1 || shape[3] < 1 || shape[2] > kMaxFixedSide || shape[3] > kMaxFixedSide) {
    throw Error(ErrorCode::kModel, fmt::format("{}: input {} is {}; at most {} pixels a side are supported", name,
                                               input.name, graph::ToString(shape), kMaxFixedSide));
  }
  return Canvas{static_cast<int>(shape[3]), static_cast<int>(shape[2])};
}

}  // namespace

struct DetectorNetwork::Workspace {
  std::unique_ptr<engine::Context> context;
  graph::Tensor input;
  std::vector<graph::Tensor> outputs;
};

struct DetectorNetwork::Plan {
  std::unique_ptr<const engine::Executor> executor;
  std::unique_ptr<const Decoder> decoder;
  graph::Shape input_shape;
  std::vector<graph::Shape> output_shapes;

  std::mutex mutex;
  std::vector<std::unique_ptr<Workspace>> idle;  // as many as ever ran at the same time

  std::unique_ptr<Workspace> Take() {
    {
      const std::scoped_lock lock(mutex);
      if (!idle.empty()) {
        auto workspace = std::move(idle.back());
        idle.pop_back();
        return workspace;
      }
    }
    auto workspace = std::make_unique<Workspace>();
    workspace->context = executor->NewContext();
    workspace->input = graph::Tensor(graph::DataType::kFloat32, input_shape);
    for (const graph::Shape& shape : output_shapes) workspace->outputs.emplace_back(graph::DataType::kFloat32, shape);
    return workspace;
  }

  void GiveBack(std::unique_ptr<Workspace> workspace) {
    const std::scoped_lock lock(mutex);
    idle.push_back(std::move(workspace));
  }
};

struct DetectorNetwork::Slot {
  std::mutex mutex;
  std::unique_ptr<Plan> plan;
};

DetectorNetwork::DetectorNetwork(graph::Graph graph, std::string name, Compile compile)
    : graph_(std::move(graph)), name_(std::move(name)), compile_(compile) {
  fixed_canvas_ = DeclaredCanvas(graph_, name_);
  const Canvas probe = fixed_canvas_.value_or(kProbe);
  const graph::Graph specialised = SpecialiseFor(probe);
  const auto decoder = MakeDecoder(OutputShapes(specialised), probe);
  if (!decoder) Refuse(specialised);
  family_ = decoder->family();
}

DetectorNetwork::~DetectorNetwork() = default;

graph::Graph DetectorNetwork::SpecialiseFor(Canvas canvas) const {
  return ops::Specialise(graph_, {{graph_.value(graph_.inputs[0]).name, {1, 3, canvas.height, canvas.width}}});
}

void DetectorNetwork::Refuse(const graph::Graph& specialised) const {
  bool boxes = false, landmarks = false;
  for (const graph::Shape& shape : OutputShapes(specialised)) {
    boxes |= AsTable(shape).columns == kBoxColumns;
    landmarks |= AsTable(shape).columns == kLandmarkColumns;
  }
  const std::string outputs = Describe(specialised, specialised.outputs);
  if (boxes && !landmarks) {
    throw Error(ErrorCode::kModel,
                fmt::format("{}: finds boxes but no landmarks ({}), so its faces cannot be aligned; use a YuNet, SCRFD "
                            "(with key points) or RetinaFace network",
                            name_, outputs));
  }
  throw Error(ErrorCode::kModel,
              fmt::format("{}: not a face detector of a known family: for an input of {} its outputs are {}; use a "
                          "YuNet, SCRFD (with key points) or RetinaFace network",
                          name_, graph::ToString(specialised.value(specialised.inputs[0]).shape), outputs));
}

DetectorNetwork::Plan& DetectorNetwork::PlanFor(Canvas canvas) const {
  std::shared_ptr<Slot> slot;
  {
    const std::scoped_lock lock(mutex_);
    auto& entry = slots_[{canvas.width, canvas.height}];
    if (!entry) entry = std::make_shared<Slot>();
    slot = entry;
  }
  const std::scoped_lock lock(slot->mutex);
  if (!slot->plan) {
    const graph::Graph specialised = SpecialiseFor(canvas);
    auto plan = std::make_unique<Plan>();
    plan->output_shapes = OutputShapes(specialised);
    plan->decoder = MakeDecoder(plan->output_shapes, canvas);
    if (!plan->decoder) Refuse(specialised);
    plan->input_shape = specialised.value(specialised.inputs[0]).shape;
    plan->executor = compile_(specialised);
    slot->plan = std::move(plan);
  }
  return *slot->plan;
}

std::vector<Face> DetectorNetwork::Run(const Image& picture, const Placement& placement, const DetectorOptions& options,
                                       float share) const {
  Plan& plan = PlanFor(placement.canvas);
  auto workspace = plan.Take();
  FillInput(picture, placement, plan.decoder->input(), workspace->input.values<float>());
  const graph::Tensor* const input = &workspace->input;
  plan.executor->Run(*workspace->context, {&input, 1}, workspace->outputs);
  const float min_confidence = options.min_confidence.value_or(share * plan.decoder->default_min_confidence());
  std::vector<Face> faces = plan.decoder->Decode(workspace->outputs, min_confidence);
  plan.GiveBack(std::move(workspace));

  faces = SuppressNonMaxima(std::move(faces), options.nms_iou);
  for (Face& face : faces) face = ToPicture(face, placement, picture.width, picture.height);
  return faces;
}

std::vector<engine::LayerReport> DetectorNetwork::Layers(Canvas canvas) const {
  return PlanFor(canvas).executor->Layers();
}

}  // namespace prefiqs::face
