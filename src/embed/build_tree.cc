// Where the programs of a build tree find OpenVINO; never part of an installed library.
extern "C" {
extern const char kAssayOpenVinoBuildTree[];
const char kAssayOpenVinoBuildTree[] = ASSAY_OPENVINO_BUILD_TREE;
}
