"""The embedded zoo: one small MobileNetV2 and the images it is trained and measured on."""
