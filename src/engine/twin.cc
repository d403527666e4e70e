#include "engine/twin.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include <fmt/format.h>
#include <prefiqs/error.h>

#include "graph/merge.h"
#include "ops/specialise.h"

namespace prefiqs::engine {
namespace {

// Faces a run takes. Measured (bench/records): more faces share a pass over the weights, but a single picture pays for
// all of them, and activations leave the cache.
constexpr std::int64_t kMicroBatch = 1;

class TwinContext : public Context {
 public:
  std::unique_ptr<Context> context;
  graph::Tensor input;
  std::vector<graph::Tensor> outputs;
};

}  // namespace

struct Twin::Impl {
  std::unique_ptr<const Executor> executor;
  std::int64_t micro_batch = kMicroBatch;
  graph::Shape input_shape;
  std::vector<graph::Shape> output_shapes;

  void Take(const graph::Tensor& output, std::size_t face, std::vector<float>& embedding) const {
    const auto size = static_cast<std::size_t>(output.count() / micro_batch);
    const auto all = output.values<float>();
    embedding.assign(all.begin() + static_cast<std::ptrdiff_t>(face * size),
                     all.begin() + static_cast<std::ptrdiff_t>((face + 1) * size));
  }
};

Twin::Twin() : impl_(std::make_unique<Impl>()) {}
Twin::~Twin() = default;

std::unique_ptr<const Twin> Twin::Compile(const graph::Graph& dense, const graph::Graph* pruned, ExecutorKind kind) {
  const graph::Graph merged = pruned == nullptr ? dense : graph::MergeTwin(dense, *pruned);
  const graph::Value& input = merged.value(merged.inputs.at(0));
  if (!input.shape_known || input.shape.size() != 4) {
    throw Error(ErrorCode::kInternal, fmt::format("twin: input '{}' is no batch of pictures", input.name));
  }
  std::unique_ptr<Twin> twin(new Twin);
  Impl& impl = *twin->impl_;
  // Some networks are exported for one batch size.
  if (input.shape[0] != graph::kUnknown) impl.micro_batch = input.shape[0];
  impl.input_shape = input.shape;
  impl.input_shape[0] = impl.micro_batch;
  const graph::Graph specialised = ops::Specialise(merged, {{input.name, impl.input_shape}});
  for (const graph::ValueId id : specialised.outputs) impl.output_shapes.push_back(specialised.value(id).shape);
  impl.executor = kind == ExecutorKind::kReference ? CompileReference(specialised) : CompileOneDnn(specialised);
  return twin;
}

int Twin::micro_batch() const { return static_cast<int>(impl_->micro_batch); }
std::vector<LayerReport> Twin::Layers() const { return impl_->executor->Layers(); }
std::string Twin::InstructionSet() const { return impl_->executor->InstructionSet(); }

std::unique_ptr<Context> Twin::NewContext() const {
  auto context = std::make_unique<TwinContext>();
  context->context = impl_->executor->NewContext();
  context->input = graph::Tensor(graph::DataType::kFloat32, impl_->input_shape);
  for (const graph::Shape& shape : impl_->output_shapes) {
    context->outputs.emplace_back(graph::DataType::kFloat32, shape);
  }
  return context;
}

std::vector<TwinEmbedding> Twin::Run(Context& context, std::span<const std::vector<float>> faces) const {
  auto* const mine = dynamic_cast<TwinContext*>(&context);
  if (mine == nullptr) throw Error(ErrorCode::kInternal, "twin: the context is another's");
  const auto group = static_cast<std::size_t>(impl_->micro_batch);
  const std::span<float> input = mine->input.values<float>();
  const std::size_t size = input.size() / group;
  std::vector<TwinEmbedding> results(faces.size());
  for (std::size_t first = 0; first < faces.size(); first += group) {
    const std::size_t count = std::min(group, faces.size() - first);
    std::fill(input.begin(), input.end(), 0.0f);
    for (std::size_t i = 0; i < count; ++i) {
      const std::vector<float>& face = faces[first + i];
      if (face.size() != size) {
        throw Error(ErrorCode::kInternal, fmt::format("twin: a face has {} numbers in place of {}", face.size(), size));
      }
      std::copy(face.begin(), face.end(), input.begin() + static_cast<std::ptrdiff_t>(i * size));
    }
    const graph::Tensor* const inputs[] = {&mine->input};
    impl_->executor->Run(*mine->context, inputs, mine->outputs);
    for (std::size_t i = 0; i < count; ++i) {
      impl_->Take(mine->outputs[0], i, results[first + i].dense);
      if (mine->outputs.size() > 1) impl_->Take(mine->outputs[1], i, results[first + i].pruned);
    }
  }
  return results;
}

}  // namespace prefiqs::engine
