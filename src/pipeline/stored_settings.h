// Preprocessing and recipe that come with a network: in its metadata or in a file beside it.
#ifndef PREFIQS_PIPELINE_STORED_SETTINGS_H_
#define PREFIQS_PIPELINE_STORED_SETTINGS_H_

#include <map>
#include <optional>
#include <string>

#include <prefiqs/preprocessing.h>
#include <prefiqs/recipe.h>

namespace prefiqs::pipeline {

struct StoredSettings {
  std::optional<Preprocessing> preprocessing;
  std::optional<Recipe> recipe;
};

// From the metadata of the network file `path`. Throws Error(kModel) or Error(kRecipe) that names file and key.
StoredSettings SettingsFromMetadata(const std::map<std::string, std::string>& metadata, const std::string& path);

// From `path`.json (NetworkOptions describes it); empty where there is no such file. Throws Error(kIo), Error(kModel)
// or Error(kRecipe) that names it.
StoredSettings SettingsFromSidecar(const std::string& path);

}  // namespace prefiqs::pipeline

#endif  // PREFIQS_PIPELINE_STORED_SETTINGS_H_
