#include <fmt/format.h>
#include <prefiqs/network.h>

#include <array>
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

// Returns what they ask of the interface.
pipeline::WantedInterface TakeSettings(Network::Impl& impl, const graph::Graph& file, const NetworkOptions& options) {
  ChooseSidecar(impl, options);
  const pipeline::StoredSettings metadata = pipeline::SettingsFromMetadata(file.metadata, impl.path);
  const pipeline::StoredSettings sidecar =
      pipeline::SettingsFromSidecar(impl.read_sidecar, impl.path, impl.content_hash, impl.read_sidecar != impl.sidecar);
  impl.stored_recipe = metadata.recipe ? metadata.recipe : sidecar.recipe;
  impl.calibration = metadata.calibration ? metadata.calibration : sidecar.calibration;
  impl.is_pruned = file.metadata.contains(pipeline::kPrunedFromKey);
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
  for (const std::optional<PictureSize>& size : {options.size, metadata.size, sidecar.size}) {
    if (!size) continue;
    impl.preprocessing.size = *size;
    break;
  }
  return {.output = !options.output.empty() ? options.output : sidecar.output,
          .width = impl.preprocessing.size.width,
          .height = impl.preprocessing.size.height};
}

// What the file says about pixels goes before what is assumed, and its size is no part of the preprocessing.
void FitPreprocessing(Network::Impl& impl) {
  Preprocessing& preprocessing = impl.preprocessing;
  if (impl.takes_bytes && impl.preprocessing_source == PreprocessingSource::kAssumed) {
    preprocessing.mean.fill(0);
    preprocessing.scale.fill(1);
  }
  const auto differ = [](const std::array<float, 3>& v) { return v[0] != v[1] || v[1] != v[2]; };
  if (impl.channels == 1 && (differ(preprocessing.mean) || differ(preprocessing.scale))) {
    throw Error(ErrorCode::kUsage, "the network takes one channel, grey: give one mean and one scale, not three");
  }
  const bool is_usual = impl.width == PictureSize::kUsualSide && impl.height == PictureSize::kUsualSide;
  preprocessing.size = impl.size_is_open && !is_usual ? PictureSize{impl.width, impl.height} : PictureSize{};
}

}  // namespace

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
  impl->content_hash = std::move(read.content_hash);
  impl->denormals = std::move(read.denormals);
  pipeline::WantedInterface wanted = TakeSettings(*impl, read.graph, options);
  wanted.tells_quality = impl->tells_quality = options.tells_quality;
  try {
    static_cast<pipeline::Interface&>(*impl) = pipeline::Adapt(std::move(read.graph), wanted);
    FitPreprocessing(*impl);
  } catch (const Error& e) {
    throw Error(e.code(), fmt::format("{}: {}", Printable(path), e.what()));
  }
  return Network(std::move(impl));
}

int Network::input_width() const { return impl_->width; }
int Network::input_height() const { return impl_->height; }
const std::string& Network::output() const { return impl_->output; }
const std::vector<std::string>& Network::remarks() const { return impl_->remarks; }
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
  if (and_recipe && impl_->file.metadata.contains(pipeline::kRecipeKey)) {
    throw Error(ErrorCode::kUsage, fmt::format("{}: names its own recipe, {}, which goes before one beside it",
                                               Printable(impl_->path), impl_->stored_recipe->name()));
  }
  if (impl_->file.metadata.contains(pipeline::kCalibrationKey)) {
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
                                  ? prune::RemoveChannels(impl_->file, masks, impl_->file_shapes)
                                  : prune::ApplyMasks(impl_->file, masks);
  model::WriteOnnxFile(pruned, metadata, path);
  return masks.achieved_sparsity();
}

}  // namespace prefiqs
