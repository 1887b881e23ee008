"""AWS as it is where emulators are kinder: a layer over the fakes that throttles, loses, repeats, delays and stops."""
