// Preprocessing, recipe and calibration that come with a network: in its metadata or in a file beside it.
#ifndef PREFIQS_PIPELINE_STORED_SETTINGS_H_
#define PREFIQS_PIPELINE_STORED_SETTINGS_H_

#include <map>
#include <optional>
#include <string>

#include <prefiqs/network.h>
#include <prefiqs/preprocessing.h>
#include <prefiqs/recipe.h>

namespace prefiqs::pipeline {

struct StoredSettings {
  std::optional<Preprocessing> preprocessing;
  // Named without channels, mean and scale, which are then as unknown as they were; `preprocessing` is empty.
  std::optional<CropTemplate> crop_template;
  std::optional<PictureSize> size;  // where one is said, in `preprocessing` too
  std::string output;               // of the network: the embedding's name; of sidecars alone
  std::optional<Recipe> recipe;
  std::optional<Calibration> calibration;
};

// From the metadata of the network file `path`. Throws Error(kModel) or Error(kRecipe) that names file and key.
StoredSettings SettingsFromMetadata(const std::map<std::string, std::string>& metadata, const std::string& path);

// MODEL.json.
std::string SidecarBeside(const std::string& network);

// From the file `sidecar` (PreprocessingSource describes it); empty where there is no such file. Throws Error(kIo),
// Error(kModel) or Error(kRecipe) that names it; so for a calibration of a network of another `content_hash` than that
// of `network`, a path for the message, unless `calibrates_anew`: that calibration is then left out.
StoredSettings SettingsFromSidecar(const std::string& sidecar, const std::string& network,
                                   const std::string& content_hash, bool calibrates_anew = false);

// Writes `sidecar`: what stands in the file `base` (the same file, or one that the new file begins with; nothing where
// it does not exist), with calibration, the hash of the network it is for, its recipe (with `and_recipe`, as the recipe
// of the network) and `preprocessing` (where given). Returns `sidecar`. Throws Error(kIo) or Error(kModel).
std::string StoreCalibration(const std::string& base, const std::string& sidecar, const std::string& content_hash,
                             const Calibration& calibration, bool and_recipe,
                             const std::optional<Preprocessing>& preprocessing);

}  // namespace prefiqs::pipeline

#endif  // PREFIQS_PIPELINE_STORED_SETTINGS_H_
