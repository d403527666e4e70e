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

// Faces that the network is compiled for. More would share a pass over the weights, but a single picture would pay for
// all of them, and activations leave the cache: lanes share the weights as well.
constexpr std::int64_t kMicroBatch = 1;

// Micro-batches that run side by side (Executor::RunAll). Each has its activations in memory of its own; measured in
// bench/records/2026-11-26-engine.md.
constexpr int kLanes = 8;

struct Lane {
  std::unique_ptr<Context> context;
  graph::Tensor input;
  std::vector<graph::Tensor> outputs;
};

class TwinContext : public Context {
 public:
  std::vector<Lane> lanes;  // made when first needed
};

}  // namespace

struct Twin::Impl {
  std::unique_ptr<const Executor> executor;
  std::int64_t micro_batch = kMicroBatch;
  graph::Shape input_shape;
  std::vector<graph::Shape> output_shapes;

  std::size_t group() const { return static_cast<std::size_t>(micro_batch); }

  Lane NewLane() const {
    Lane lane{executor->NewContext(), graph::Tensor(graph::DataType::kFloat32, input_shape), {}};
    for (const graph::Shape& shape : output_shapes) lane.outputs.emplace_back(graph::DataType::kFloat32, shape);
    return lane;
  }

  void Fill(Lane& lane, std::span<const std::vector<float>> faces) const {
    const std::span<float> input = lane.input.values<float>();
    const std::size_t size = input.size() / group();
    for (std::size_t i = 0; i < group(); ++i) {
      // Filled up with a face of the group: the network might not run on another picture.
      const std::vector<float>& face = faces[std::min(i, faces.size() - 1)];
      if (face.size() != size) {
        throw Error(ErrorCode::kInternal, fmt::format("twin: a face has {} numbers in place of {}", face.size(), size));
      }
      std::copy(face.begin(), face.end(), input.begin() + static_cast<std::ptrdiff_t>(i * size));
    }
  }

  // Runs at most a micro-batch a lane. Throws Error(kModel) where a kernel stops at what it is given.
  void RunLanes(TwinContext& context, std::span<const std::vector<float>> faces, std::span<TwinEmbedding> results,
                Helper* helper) const {
    const std::size_t used = (faces.size() + group() - 1) / group();
    while (context.lanes.size() < used) context.lanes.push_back(NewLane());
    std::vector<const graph::Tensor*> inputs(used);
    std::vector<Executor::Item> items;
    for (std::size_t n = 0; n < used; ++n) {
      Lane& lane = context.lanes[n];
      Fill(lane, faces.subspan(n * group(), std::min(group(), faces.size() - n * group())));
      inputs[n] = &lane.input;
      items.push_back({lane.context.get(), {&inputs[n], 1}, lane.outputs});
    }
    executor->RunAll(items, helper);
    for (std::size_t i = 0; i < faces.size(); ++i) {
      const std::vector<graph::Tensor>& outputs = context.lanes[i / group()].outputs;
      Take(outputs[0], i % group(), results[i].dense);
      if (outputs.size() > 1) Take(outputs[1], i % group(), results[i].pruned);
    }
  }

  // Where a group cannot be run each face is run alone, so that its neighbours do not change what becomes of it.
  void RunOrExplain(TwinContext& context, std::span<const std::vector<float>> faces, std::span<TwinEmbedding> results,
                    Helper* helper) const {
    try {
      RunLanes(context, faces, results, helper);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kModel) throw;
      if (faces.size() == 1) {
        results[0].failure = error.what();
        return;
      }
      for (std::size_t i = 0; i < faces.size(); ++i) {
        RunOrExplain(context, faces.subspan(i, 1), results.subspan(i, 1), helper);
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
                                          const CompileOptions& options) {
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
  if (kind == ExecutorKind::kReference && options.precision != Precision::kFp32) {
    throw Error(ErrorCode::kNotAvailable, fmt::format("the reference executor has no {}", name(options.precision)));
  }
  impl.executor =
      kind == ExecutorKind::kReference ? CompileReference(specialised) : CompileOneDnn(specialised, options);
  return twin;
}

int Twin::micro_batch() const { return static_cast<int>(impl_->micro_batch); }
int Twin::faces_at_once() const { return micro_batch() * kLanes; }
std::vector<LayerReport> Twin::Layers() const { return impl_->executor->Layers(); }
std::string Twin::InstructionSet() const { return impl_->executor->InstructionSet(); }

std::unique_ptr<Context> Twin::NewContext() const {
  auto context = std::make_unique<TwinContext>();
  context->lanes.push_back(impl_->NewLane());
  return context;
}

std::vector<TwinEmbedding> Twin::Run(Context& context, std::span<const std::vector<float>> faces,
                                     Helper* helper) const {
  auto* const mine = dynamic_cast<TwinContext*>(&context);
  if (mine == nullptr) throw Error(ErrorCode::kInternal, "twin: the context is another's");
  const auto group = static_cast<std::size_t>(faces_at_once());
  std::vector<TwinEmbedding> results(faces.size());
  const std::span<TwinEmbedding> all(results);
  for (std::size_t first = 0; first < faces.size(); first += group) {
    const std::size_t count = std::min(group, faces.size() - first);
    impl_->RunOrExplain(*mine, faces.subspan(first, count), all.subspan(first, count), helper);
  }
  return results;
}

}  // namespace prefiqs::engine
