#include <fmt/format.h>
#include <prefiqs/network.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/file.h"
#include "base/shipped.h"
#include "model/onnx_reader.h"
#include "model/onnx_writer.h"
#include "ops/specialise.h"
#include "pipeline/network_impl.h"
#include "pipeline/stored_settings.h"
#include "prune/prune.h"
#include "prune/structured.h"

namespace prefiqs {
namespace {

constexpr std::int64_t kChannels = 3;
// Where the file leaves height and width open: the size the field aligns faces to.
constexpr std::int64_t kUsualSide = 112;
constexpr std::int64_t kMaxSide = 2048;
// More than this at once is not how face networks are exported, but how memory is exhausted.
constexpr std::int64_t kMaxBatch = 1024;
constexpr std::int64_t kMaxEmbedding = 1 << 16;

std::string Names(const graph::Graph& graph, const std::vector<graph::ValueId>& ids) {
  std::string text;
  for (const graph::ValueId id : ids) {
    text += fmt::format("{}\"{}\"", text.empty() ? "" : ", ", Printable(graph.value(id).name));
  }
  return text;
}

// Height and width.
std::pair<std::int64_t, std::int64_t> CheckInput(const graph::Graph& graph) {
  if (graph.inputs.size() != 1) {
    throw Error(ErrorCode::kModel,
                fmt::format("a face recognition network has one input, the picture; this one has {}: {}",
                            graph.inputs.size(), Names(graph, graph.inputs)));
  }
  const graph::Value& input = graph.value(graph.inputs[0]);
  const std::string what = fmt::format("input \"{}\"", Printable(input.name));
  if (input.type != graph::DataType::kFloat32) {
    throw Error(ErrorCode::kModel, fmt::format("{} takes {}, not float32 pictures; export the network with a "
                                               "floating-point input",
                                               what, graph::Name(input.type)));
  }
  if (!input.shape_known) return {kUsualSide, kUsualSide};
  const graph::Shape& shape = input.shape;
  const std::string is = fmt::format("{} is {}", what, graph::ToString(shape));
  if (shape.size() != 4) {
    throw Error(ErrorCode::kModel, fmt::format("{}; a picture is N×3×height×width", is));
  }
  if (shape[3] == kChannels && shape[1] != kChannels) {
    throw Error(ErrorCode::kModel,
                fmt::format("{}: channels come last, as TensorFlow has them; convert it to N×3×height×width (tf2onnx: "
                            "--inputs-as-nchw {})",
                            is, Printable(input.name)));
  }
  if (shape[0] == 0 || shape[0] > kMaxBatch) {
    throw Error(ErrorCode::kModel, fmt::format("{}: batches of 1 to {} can be run", is, kMaxBatch));
  }
  if (shape[1] != kChannels && shape[1] != graph::kUnknown) {
    throw Error(ErrorCode::kModel, fmt::format("{}: {} channels; prefiqs gives 3 (N×3×height×width)", is, shape[1]));
  }
  if ((shape[2] == graph::kUnknown) != (shape[3] == graph::kUnknown)) {
    throw Error(ErrorCode::kModel, fmt::format("{}: export it with height and width fixed", is));
  }
  if (shape[2] == graph::kUnknown) return {kUsualSide, kUsualSide};
  for (const std::int64_t side : {shape[2], shape[3]}) {
    if (side < 1 || side > kMaxSide) {
      throw Error(ErrorCode::kModel, fmt::format("{}: sides are 1 to {} pixels", is, kMaxSide));
    }
  }
  return {shape[2], shape[3]};
}

// Leaves the one output that is a number a picture, where there is just one.
void KeepQuality(graph::Graph& graph, const graph::Graph& specialised) {
  const std::int64_t batch = specialised.value(specialised.inputs[0]).shape[0];
  std::vector<graph::ValueId> single;
  for (std::size_t i = 0; i < graph.outputs.size(); ++i) {
    const graph::Value& output = specialised.value(specialised.outputs[i]);
    const bool one_each = !output.shape.empty() && output.shape[0] == batch;
    if (one_each && graph::ElementCount(output.shape) == batch) single.push_back(graph.outputs[i]);
  }
  if (single.size() != 1) return;
  graph.outputs = single;
  graph = graph::RemoveUnused(graph);
}

// The size of an embedding.
int CheckOutput(const graph::Graph& specialised, bool tells_quality) {
  if (specialised.outputs.size() != 1) {
    throw Error(ErrorCode::kModel,
                fmt::format("a {} this one has {}: {}; keep the one that is wanted (onnx.utils.extract_model)",
                            tells_quality ? "quality network has one output of a number a face, or one output;"
                                          : "face recognition network has one output, the embedding;",
                            specialised.outputs.size(), Names(specialised, specialised.outputs)));
  }
  const graph::Value& output = specialised.value(specialised.outputs[0]);
  const std::string what = fmt::format("output \"{}\"", Printable(output.name));
  if (output.type != graph::DataType::kFloat32) {
    throw Error(ErrorCode::kModel, fmt::format("{} is {}; an embedding is float32", what, graph::Name(output.type)));
  }
  const std::int64_t batch = specialised.value(specialised.inputs[0]).shape[0];
  std::int64_t count = graph::ElementCount(output.shape);
  bool vectors = !output.shape.empty() && output.shape[0] == batch;
  if (vectors) count /= batch;
  if (vectors && tells_quality && count == 1) return 1;
  vectors =
      vectors && output.shape.size() >= 2 && *std::max_element(output.shape.begin() + 1, output.shape.end()) == count;
  if (!vectors || count < 2 || count > kMaxEmbedding) {
    throw Error(ErrorCode::kModel,
                fmt::format("{} is {} for {} picture{}; an embedding is N×d with 2 ≤ d ≤ {}", what,
                            graph::ToString(output.shape), batch, batch == 1 ? "" : "s", kMaxEmbedding));
  }
  return static_cast<int>(count);
}

void ChooseSidecar(Network::Impl& impl, const NetworkOptions& options) {
  impl.sidecar = impl.read_sidecar = options.sidecar.empty() ? pipeline::SidecarBeside(impl.path) : options.sidecar;
  std::error_code error;
  if (options.sidecar.empty() || std::filesystem::exists(options.sidecar, error)) return;
  if (!options.new_sidecar) {
    const std::string cause = error ? error.message() : "there is no such file";
    throw Error(ErrorCode::kIo,
                fmt::format("{}: {}; prefiqs calibrate --sidecar writes it", Printable(options.sidecar), cause));
  }
  impl.read_sidecar = pipeline::SidecarBeside(impl.path);
}

void TakeSettings(Network::Impl& impl, const NetworkOptions& options) {
  ChooseSidecar(impl, options);
  const pipeline::StoredSettings metadata = pipeline::SettingsFromMetadata(impl.graph.metadata, impl.path);
  const pipeline::StoredSettings sidecar =
      pipeline::SettingsFromSidecar(impl.read_sidecar, impl.path, impl.content_hash, impl.read_sidecar != impl.sidecar);
  impl.stored_recipe = metadata.recipe ? metadata.recipe : sidecar.recipe;
  impl.calibration = metadata.calibration ? metadata.calibration : sidecar.calibration;
  impl.is_pruned = impl.graph.metadata.contains(pipeline::kPrunedFromKey);
  const auto use = [&](const std::optional<Preprocessing>& preprocessing, PreprocessingSource source) {
    if (!preprocessing) return false;
    impl.preprocessing = *preprocessing;
    impl.preprocessing_source = source;
    return true;
  };
  const bool is_known = use(options.preprocessing, PreprocessingSource::kOption) ||
                        use(metadata.preprocessing, PreprocessingSource::kMetadata) ||
                        use(sidecar.preprocessing, PreprocessingSource::kSidecar);
  const auto crop_template = metadata.crop_template ? metadata.crop_template : sidecar.crop_template;
  if (!is_known && crop_template) impl.preprocessing.crop_template = *crop_template;
  if (options.crop_template) impl.preprocessing.crop_template = *options.crop_template;
}

}  // namespace

prune::InputShapes Network::Impl::InputShapes() const {
  const graph::Value& input = graph.value(graph.inputs[0]);
  const bool fixed = input.shape_known && input.shape[0] != graph::kUnknown;
  return {{input.name, {fixed ? input.shape[0] : 1, kChannels, height, width}}};
}

prune::Masks Network::Impl::Masks(const Recipe& recipe) const {
  return prune::ComputeMasks(graph, recipe, InputShapes());
}

graph::Graph Network::Impl::Specialised() const {
  try {
    return ops::Specialise(graph, InputShapes());
  } catch (const Error& e) {
    throw Error(e.code(), fmt::format("{}: {}", Printable(path), e.what()));
  }
}

void Network::Impl::CheckNotPruned() const {
  if (!is_pruned) return;
  throw Error(ErrorCode::kRecipe,
              fmt::format("{}: is a pruned copy already (recipe {}): pruning it again would measure "
                          "nothing; give the network it was made from",
                          Printable(path), stored_recipe ? stored_recipe->name() : "unknown"));
}

Network Network::load(const std::string& path, const NetworkOptions& options) {
  if (options.threads < 0) {
    throw Error(ErrorCode::kUsage,
                fmt::format("threads: {} is below 0 (0 means all usable processors)", options.threads));
  }
  auto impl = std::make_shared<Impl>();
  impl->path = path;
  model::ReadResult read = model::ReadOnnxFile(path, {}, options.threads);
  impl->graph = std::move(read.graph);
  impl->content_hash = std::move(read.content_hash);
  impl->denormals = std::move(read.denormals);
  const auto named = [&](auto&& check) {
    try {
      return check();
    } catch (const Error& e) {
      throw Error(e.code(), fmt::format("{}: {}", Printable(path), e.what()));
    }
  };
  const auto [height, width] = named([&] { return CheckInput(impl->graph); });
  impl->height = static_cast<int>(height);
  impl->width = static_cast<int>(width);
  impl->tells_quality = options.tells_quality;
  if (options.tells_quality) KeepQuality(impl->graph, impl->Specialised());
  const graph::Graph specialised = impl->Specialised();
  impl->embedding_size = named([&] { return CheckOutput(specialised, options.tells_quality); });
  TakeSettings(*impl, options);
  return Network(std::move(impl));
}

int Network::input_width() const { return impl_->width; }
int Network::input_height() const { return impl_->height; }
int Network::embedding_size() const { return impl_->embedding_size; }
bool Network::tells_quality() const { return impl_->tells_quality; }
const Preprocessing& Network::preprocessing() const { return impl_->preprocessing; }
PreprocessingSource Network::preprocessing_source() const { return impl_->preprocessing_source; }
std::optional<Recipe> Network::stored_recipe() const { return impl_->stored_recipe; }
bool Network::is_pruned() const { return impl_->is_pruned; }
std::optional<Calibration> Network::calibration() const { return impl_->calibration; }
const std::string& Network::path() const { return impl_->path; }
const std::string& Network::content_hash() const { return impl_->content_hash; }

const std::string& Network::sidecar() const { return impl_->sidecar; }

void Network::check_calibration_can_be_saved(bool and_recipe) const {
  if (and_recipe && impl_->graph.metadata.contains(pipeline::kRecipeKey)) {
    throw Error(ErrorCode::kUsage, fmt::format("{}: names its own recipe, {}, which goes before one beside it",
                                               Printable(impl_->path), impl_->stored_recipe->name()));
  }
  if (impl_->graph.metadata.contains(pipeline::kCalibrationKey)) {
    throw Error(ErrorCode::kUsage,
                fmt::format("{}: holds its own calibration, which goes before one beside it", Printable(impl_->path)));
  }
  CheckWritable(impl_->sidecar);
}

std::string Network::save_calibration(const Calibration& calibration, bool and_recipe) const {
  check_calibration_can_be_saved(and_recipe);
  const bool stored = impl_->preprocessing_source == PreprocessingSource::kMetadata ||
                      impl_->preprocessing_source == PreprocessingSource::kSidecar;
  std::error_code ignored;
  const bool is_new = !std::filesystem::exists(impl_->sidecar, ignored);
  return pipeline::StoreCalibration(is_new ? impl_->read_sidecar : impl_->sidecar, impl_->sidecar, impl_->content_hash,
                                    calibration, and_recipe,
                                    stored ? std::nullopt : std::optional(calibration.preprocessing));
}

std::string default_network() { return ShippedFile("models/prefiqs_face.onnx"); }

double Network::save_pruned(const Recipe& recipe, const std::string& path, PrunedForm form) const {
  impl_->CheckNotPruned();
  if (form == PrunedForm::kRemoved && recipe.granularity != Granularity::kStructured) {
    throw Error(ErrorCode::kRecipe,
                "recipe: single weights can be set to zero but not taken out; use structured pruning");
  }
  const prune::Masks masks = impl_->Masks(recipe);
  std::map<std::string, std::string> metadata{
      {pipeline::kRecipeKey, recipe.to_json()},
      {pipeline::kPrunedFromKey, impl_->content_hash},
      {pipeline::kSparsityKey, fmt::format("{:.6f}", masks.achieved_sparsity())},
      {pipeline::kVersionKey, std::string(version())},
  };
  // A guess must not become a fact by being written down.
  if (impl_->preprocessing_source != PreprocessingSource::kAssumed) {
    metadata[pipeline::kPreprocessingKey] = impl_->preprocessing.to_json();
  }
  const graph::Graph pruned = form == PrunedForm::kRemoved
                                  ? prune::RemoveChannels(impl_->graph, masks, impl_->InputShapes())
                                  : prune::ApplyMasks(impl_->graph, masks);
  model::WriteOnnxFile(pruned, metadata, path);
  return masks.achieved_sparsity();
}

}  // namespace prefiqs
