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

  // Runs at most a micro-batch. Throws Error(kModel) where a kernel stops at what it is given.
  void RunGroup(TwinContext& context, std::span<const std::vector<float>> faces,
                std::span<TwinEmbedding> results) const {
    const auto group = static_cast<std::size_t>(micro_batch);
    const std::span<float> input = context.input.values<float>();
    const std::size_t size = input.size() / group;
    for (std::size_t i = 0; i < group; ++i) {
      // Filled up with a face of the group: the network might not run on another picture.
      const std::vector<float>& face = faces[std::min(i, faces.size() - 1)];
      if (face.size() != size) {
        throw Error(ErrorCode::kInternal, fmt::format("twin: a face has {} numbers in place of {}", face.size(), size));
      }
      std::copy(face.begin(), face.end(), input.begin() + static_cast<std::ptrdiff_t>(i * size));
    }
    const graph::Tensor* const inputs[] = {&context.input};
    executor->Run(*context.context, inputs, context.outputs);
    for (std::size_t i = 0; i < faces.size(); ++i) {
      Take(context.outputs[0], i, results[i].dense);
      if (context.outputs.size() > 1) Take(context.outputs[1], i, results[i].pruned);
    }
  }

  // Where a group cannot be run each face is run alone, so that its neighbours do not change what becomes of it.
  void RunOrExplain(TwinContext& context, std::span<const std::vector<float>> faces,
                    std::span<TwinEmbedding> results) const {
    try {
      RunGroup(context, faces, results);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kModel) throw;
      if (faces.size() == 1) {
        results[0].failure = error.what();
        return;
      }
      for (std::size_t i = 0; i < faces.size(); ++i) {
        RunOrExplain(context, faces.subspan(i, 1), results.subspan(i, 1));
      }
    }
  }

  void Take(const graph::Tensor& output, std::size_t face, std::vector<float>& embedding) const {
    const auto size = static_cast<std::size_t>(output.count() / micro_batch);
    const auto all = output.values<float>();
    embedding.assign(all.begin() + static_cast<std::ptrdiff_t>(face * size),
                     all.begin() + static_cast<std::ptrdiff_t>((face + 1) * size));
  }
};

Twin::Twin() : impl_(std::make_unique<Impl>()) {}
Twin::~Twin() = default;

std::unique_ptr<const Twin> Twin::Compile(const graph::Graph& dense, const graph::Graph* pruned, ExecutorKind kind,
                                          int threads) {
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
  impl.executor =
      kind == ExecutorKind::kReference ? CompileReference(specialised) : CompileOneDnn(specialised, threads);
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
  std::vector<TwinEmbedding> results(faces.size());
  const std::span<TwinEmbedding> all(results);
  for (std::size_t first = 0; first < faces.size(); first += group) {
    const std::size_t count = std::min(group, faces.size() - first);
    impl_->RunOrExplain(*mine, faces.subspan(first, count), all.subspan(first, count));
  }
  return results;
}

}  // namespace prefiqs::engine
